// The live desk: listens for changes, lets the page's regions ask again, and gives each action its key.
(() => {
  "use strict";
  const LOOK_AGAIN_MS = 2000; // while there is no stream
  const TIMES_MS = 20000; // waiting times and the 24-hour window go on without an event
  const NEAR_THE_END_PX = 120;
  const desk = () => document.querySelector(".desk");
  const tell = (name) => document.body.dispatchEvent(new CustomEvent(name));
  const lookAtAll = () => { tell("queue-changed"); tell("conversation-changed"); };

  // Changes come in bursts: one look for many.
  let due = null;
  const changed = () => {
    if (due === null) due = setTimeout(() => { due = null; lookAtAll(); }, 60);
  };

  let stream = null;
  const listen = () => {
    stream = new EventSource("/desk/events");
    stream.onopen = () => { document.getElementById("offline").hidden = true; changed(); };
    stream.addEventListener("changed", changed);
    stream.onerror = () => { document.getElementById("offline").hidden = false; };
  };
  listen();
  setInterval(() => {
    if (stream.readyState === EventSource.OPEN) return;
    lookAtAll();
    if (stream.readyState === EventSource.CLOSED) { stream.close(); listen(); }
  }, LOOK_AGAIN_MS);
  setInterval(lookAtAll, TIMES_MS);
  window.addEventListener("pagehide", () => stream.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) { listen(); changed(); } });

  // A transcript stays at its end, unless somebody reads further up.
  const log = () => document.querySelector(".transcript");
  const toTheEnd = () => { const it = log(); if (it) it.scrollTop = it.scrollHeight; };
  let wasAt = null;
  document.body.addEventListener("htmx:beforeSwap", () => {
    const it = log();
    wasAt = it && it.scrollHeight - it.scrollTop - it.clientHeight > NEAR_THE_END_PX ? it.scrollTop : null;
  });
  document.body.addEventListener("htmx:afterSwap", (event) => {
    const it = log();
    if (it) it.scrollTop = wasAt === null || event.detail.target.id === "conversation" ? it.scrollHeight : wasAt;
    title();
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target.id === "conversation" && matchMedia("(min-width: 60rem)").matches) {
      document.getElementById("reply")?.focus();
    }
  });

  // How many wait, where the eye goes first among many tabs.
  const bare = document.title;
  const title = () => {
    const waiting = Number(document.querySelector(".queue")?.dataset.waiting || 0);
    document.title = waiting ? `(${waiting}) ${bare}` : bare;
  };

  const typing = (element) => element.matches("input, textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    const reply = document.getElementById("reply");
    if (event.isComposing) return;
    if (event.target === reply) {
      const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey || (!event.shiftKey && matchMedia("(pointer: fine)").matches));
      if (sends) { event.preventDefault(); if (reply.value.trim()) reply.form.requestSubmit(); }
      if (event.key === "Escape") reply.blur();
      return;
    }
    if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "?") { event.preventDefault(); document.getElementById("keys").showModal(); return; }
    if (event.key === "Enter" && reply && !event.target.closest("a, button, summary")) { event.preventDefault(); reply.focus(); return; }
    if (event.repeat) return;
    const pressed = document.querySelector(`button[data-key="${CSS.escape(event.key.toUpperCase())}"], a[data-key="${CSS.escape(event.key.toUpperCase())}"]`);
    if (pressed) { event.preventDefault(); pressed.click(); }
    else if (event.key.toUpperCase() === "N" && desk()) location.assign("/desk/next");
  });

  title();
  toTheEnd();
})();
