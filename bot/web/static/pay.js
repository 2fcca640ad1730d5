// The payment page: copies the code or the line with one touch, and notices by itself when the bank has confirmed.
(() => {
  "use strict";
  const LOOK_MS = 4000;
  const page = document.querySelector(".pay");
  if (navigator.sendBeacon && page.dataset.stateAddress) {
    navigator.sendBeacon(page.dataset.stateAddress.replace(/state$/, "opened"));
  }

  for (const button of document.querySelectorAll("[data-copies]")) {
    const field = document.getElementById(button.dataset.copies);
    const copied = () => {
      button.textContent = button.dataset.done;
      button.classList.add("is-done");
      const told = document.getElementById(button.dataset.told);
      told.textContent = told.dataset.done;
      told.classList.remove("unseen");
    };
    // Without HTTPS, or in an old browser, there is no clipboard to write to: select and copy as ever.
    const bySelection = () => { field.focus(); field.select(); if (document.execCommand("copy")) copied(); };
    button.hidden = false;
    button.addEventListener("click", () => {
      if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(copied, bySelection);
      else bySelection();
    });
    field.addEventListener("focus", () => field.select());
  }

  const look = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(page.dataset.stateAddress, { cache: "no-store" });
      if (answer.ok && (await answer.json()).state !== page.dataset.state) location.reload();
    } catch { /* no connection: the next look will tell */ }
  };
  if (page.dataset.state === "active" || page.dataset.state === "requested") {
    setInterval(look, LOOK_MS);
    document.addEventListener("visibilitychange", look);
  }
})();
