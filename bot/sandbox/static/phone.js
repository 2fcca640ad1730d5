"use strict";
// The page: who one is, what came, what is done. State comes from the server by events; the page only draws and asks.

const said = document.body.dataset;
const chats = new Map(); // key → {key, name, phone, hint, typing, messages: Map, seen}
let here = decodeURIComponent(location.hash.slice(1));
let drawn = null; // the key of the chat that is drawn
let today = "";
let ahead = 0; // how far the demo's clock is ahead of the browser's, in milliseconds
const find = (id) => document.getElementById(id);

async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body || {}),
  });
  return answer.status === 204 ? {} : answer.headers.get("Content-Type").includes("json") ? answer.json() : {};
}

const about = (key) => `/sandbox/phone/${encodeURIComponent(key)}`;

// What came.

function listen() {
  const events = new EventSource("/sandbox/phone/events");
  events.onmessage = (event) => {
    const news = JSON.parse(event.data);
    ahead = new Date(news.clock) - Date.now();
    showClock();
    news.chats.forEach(take);
    if (news.chats.length) drawPeople();
    const nextDay = today !== (today = dayOf.format(Date.now() + ahead)); // then "today" is "yesterday"
    if (nextDay) drawn = null;
    if (nextDay || news.chats.some((chat) => chat.key === here)) drawChat();
  };
}

function take(news) {
  const chat = chats.get(news.key) || { messages: new Map(), seen: null };
  const first = chat.seen === null;
  Object.assign(chat, { key: news.key, name: news.name, phone: news.phone, hint: news.hint, typing: news.typing });
  for (const message of news.bubbles) chat.messages.set(message.id, message);
  if (first) chat.seen = countTheirs(chat);
  chats.set(news.key, chat);
}

const countTheirs = (chat) => [...chat.messages.values()].filter((message) => !message.mine).length;
const initials = (name) => name.split(" ").map((word) => word[0]).slice(0, 2).join("");

// People.

function drawPeople() {
  const list = find("people");
  [...chats.values()].forEach((chat, index) => {
    let item = list.querySelector(`[data-key="${CSS.escape(chat.key)}"]`);
    if (!item) {
      item = copyOf("person");
      item.dataset.key = chat.key;
      item.querySelector("button").addEventListener("click", () => { location.hash = encodeURIComponent(chat.key); });
      item.querySelector(".face").classList.add(`tone-${index % 8}`);
      list.append(item);
    }
    if (chat.key === here) chat.seen = countTheirs(chat);
    const last = [...chat.messages.values()].pop();
    const unread = countTheirs(chat) - chat.seen;
    item.toggleAttribute("aria-current", chat.key === here);
    item.querySelector(".face").textContent = initials(chat.name);
    item.querySelector("strong").textContent = chat.name;
    item.querySelector("time").textContent = last ? timeOf.format(new Date(last.at)) : "";
    item.querySelector("em").textContent = last ? (last.mine ? `${said.you}: ` : "") + shortOf(last) : chat.phone;
    item.querySelector("small").textContent = chat.hint;
    const badge = item.querySelector(".unread");
    badge.hidden = unread < 1;
    badge.textContent = unread;
  });
}

function shortOf(message) {
  if (message.code && message.kind === "text") return said.code;
  const plain = message.text.replace(/[*_~`]/g, "").replace(/\s+/g, " ");
  return plain || (message.kind === "audio" ? said.audio : said.image);
}

// The chat.

const act = {
  press: (message, choice) => ask(`${about(here)}/press`, { message, choice }),
  openList,
  copy,
  toBank,
  enlarge,
  grown: () => toEnd(false),
};

function drawChat() {
  const chat = chats.get(here);
  document.body.classList.toggle("chatting", Boolean(chat));
  if (!chat) return;
  const list = find("chat");
  const fresh = drawn !== here;
  if (fresh) list.replaceChildren();
  drawn = here;
  const atEnd = fresh || list.scrollHeight - list.scrollTop - list.clientHeight < 160;
  list.querySelector(".writing")?.remove();
  let before = null;
  for (const message of chat.messages.values()) {
    drawOne(list, message, before);
    before = message;
  }
  find("status").textContent = chat.typing ? said.writing : said.business;
  if (chat.typing) list.append(writing());
  if (atEnd) toEnd(fresh);
}

function drawOne(list, message, before) {
  const old = list.querySelector(`[data-id="${CSS.escape(message.id)}"]`);
  if (old && Number(old.dataset.revision) === message.revision) return;
  const made = drawMessage(message, act);
  made.dataset.revision = message.revision;
  const newDay = !before || dayOf.format(new Date(before.at)) !== dayOf.format(new Date(message.at));
  made.classList.toggle("turn", newDay || before.mine !== message.mine);
  if (old) {
    old.replaceWith(made);
    return;
  }
  if (newDay) list.append(element("li", "day", dayWords(new Date(message.at))));
  list.append(made);
}

function dayWords(at) {
  const now = Date.now() + ahead;
  const word = dayOf.format(at);
  if (word === dayOf.format(now)) return said.today;
  return word === dayOf.format(now - 86400000) ? said.yesterday : word;
}

function writing() {
  const made = element("li", "bubble turn writing");
  const body = element("div", "body");
  body.append(element("i"), element("i"), element("i"));
  made.append(body);
  return made;
}

function toEnd(always) {
  const list = find("chat");
  if (always || list.scrollHeight - list.scrollTop - list.clientHeight < 600) list.scrollTop = list.scrollHeight;
}

function openList(message) {
  const sheet = find("sheet");
  const rows = find("rows");
  find("sheet-title").textContent = message.list_button;
  rows.replaceChildren();
  let section = null;
  for (const choice of message.choices) {
    if (choice.section && choice.section !== section) rows.append(element("h3", "", choice.section));
    section = choice.section;
    const label = element("label");
    const words = element("span", "", choice.title);
    if (choice.detail) words.append(element("small", "", choice.detail));
    const radio = element("input");
    radio.type = "radio";
    radio.name = "row";
    radio.value = choice.id;
    label.append(words, radio);
    rows.append(label);
  }
  const take = sheet.querySelector(".take");
  take.disabled = true;
  rows.onchange = () => { take.disabled = false; };
  sheet.returnValue = "";
  sheet.onclose = () => {
    const chosen = rows.querySelector("input:checked");
    if (sheet.returnValue === "take" && chosen) act.press(message.id, chosen.value);
  };
  sheet.showModal();
}

function enlarge(picture) {
  find("large").querySelector("img").src = picture;
  find("large").showModal();
}

async function copy(code, button) {
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(code);
  } catch {
    find("code").value = code; // no clipboard without a secure page: it lies in the bank's field, marked
    find("code").select();
    document.execCommand("copy");
  }
  button.textContent = said.copied;
  setTimeout(() => { button.textContent = words; }, 1600);
}

// Writing.

find("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = find("words");
  const text = field.value.trim();
  if (!text || !here) return;
  field.value = "";
  field.style.height = "";
  ask(`${about(here)}/say`, { text });
  toEnd(true);
});
find("words").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    find("composer").requestSubmit();
  }
});
find("words").addEventListener("input", (event) => {
  event.target.style.height = "";
  event.target.style.height = `${event.target.scrollHeight}px`;
});
find("attach").addEventListener("click", () => showAttachments(find("attachments").hidden));
for (const button of document.querySelectorAll("[data-attach]")) {
  button.addEventListener("click", () => {
    showAttachments(false);
    ask(`${about(here)}/attach`, { kind: button.dataset.attach });
  });
}
function showAttachments(shown) {
  find("attachments").hidden = !shown;
  find("attach").setAttribute("aria-expanded", String(shown));
}

// Where one is: the person stands in the address.

function go() {
  here = decodeURIComponent(location.hash.slice(1));
  drawPeople();
  drawChat();
  if (chats.has(here)) ask(`${about(here)}/look`);
}
window.addEventListener("hashchange", go);
find("back").addEventListener("click", () => { location.hash = ""; });

// The bank.

let asked = 0;
const words = () => document.getElementById("refusals").content.firstElementChild.dataset;

function toBank(code) {
  find("code").value = code;
  find("tools").classList.add("open");
  readCode();
}

async function readCode() {
  const code = find("code").value.trim();
  const mine = ++asked;
  for (const id of ["amount", "refused", "paid"]) find(id).hidden = true;
  find("pay").disabled = true;
  if (!code) return;
  const read = await ask("/sandbox/bank/read", { code });
  if (mine !== asked) return;
  if (read.refused) return refuse(read.refused);
  find("amount").querySelector("strong").textContent = reais.format(read.amount_cents / 100);
  find("amount").hidden = false;
  find("pay").disabled = false;
}

function refuse(reason) {
  find("refused").textContent = words()[reason] || words().unknown;
  find("refused").hidden = false;
}

find("code").addEventListener("input", readCode);
find("bank").addEventListener("submit", async (event) => {
  event.preventDefault();
  find("pay").disabled = true;
  const paid = await ask("/sandbox/bank/pay", { code: find("code").value.trim() });
  find("amount").hidden = true;
  if (paid.refused) return refuse(paid.refused);
  find("paid").textContent = words().done.replace("{amount}", reais.format(paid.amount_cents / 100));
  find("paid").hidden = false;
  find("code").value = "";
  if (matchMedia("(max-width: 899px)").matches) setTimeout(() => find("tools").classList.remove("open"), 1200);
});

// The clock.

const nowWords = new Intl.DateTimeFormat("pt-BR", {
  timeZone: zone, weekday: "short", day: "2-digit", month: "2-digit", year: "numeric", hour: "2-digit", minute: "2-digit",
});
function showClock() {
  const now = new Date(Date.now() + ahead);
  find("now").dateTime = now.toISOString();
  find("now").textContent = nowWords.format(now);
}
setInterval(showClock, 10000);
for (const button of document.querySelectorAll("[data-hours]")) {
  button.addEventListener("click", () => ask("/sandbox/clock", { hours: Number(button.dataset.hours) }));
}
for (const button of document.querySelectorAll("[data-open]")) {
  button.addEventListener("click", () => find(button.dataset.open).classList.add("open"));
}
for (const button of document.querySelectorAll("[data-close]")) {
  button.addEventListener("click", () => find(button.dataset.close).classList.remove("open"));
}

listen();
const started = new MutationObserver(() => { started.disconnect(); go(); });
started.observe(find("people"), { childList: true });
