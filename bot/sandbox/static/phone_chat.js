"use strict";
// How one message looks: from what the stand-in tells of it to elements. Text is never read as HTML.

const zone = document.body.dataset.zone;
const timeOf = new Intl.DateTimeFormat("pt-BR", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
const dayOf = new Intl.DateTimeFormat("pt-BR", { timeZone: zone, day: "2-digit", month: "2-digit", year: "numeric" });
const reais = new Intl.NumberFormat("pt-BR", { style: "currency", currency: "BRL" });

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined && text !== null) made.textContent = text;
  return made;
}

function copyOf(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

// WhatsApp's mark-up: *bold* _italic_ ~strike~ ```mono``` > quote, and links.
const MARKS = [
  [/```([\s\S]+?)```/, "code"],
  [/(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])/, "strong"],
  [/(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])/, "em"],
  [/(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])/, "s"],
  [/(https?:\/\/[^\s]+[^\s.,;:!?)])/, "a"],
];

function markedUp(text) {
  const whole = document.createDocumentFragment();
  text.split("\n").forEach((line, index) => {
    if (index) whole.append("\n");
    if (line.startsWith("> ")) {
      const quote = element("blockquote");
      quote.append(inline(line.slice(2)));
      whole.append(quote);
    } else {
      whole.append(inline(line));
    }
  });
  return whole;
}

function inline(text) {
  const whole = document.createDocumentFragment();
  let first = null;
  for (const [pattern, tag] of MARKS) {
    const match = pattern.exec(text);
    if (match && (!first || match.index < first.match.index)) first = { match, tag };
  }
  if (!first) {
    whole.append(text);
    return whole;
  }
  const { match, tag } = first;
  const inner = element(tag);
  if (tag === "a") {
    inner.href = match[1];
    inner.target = "_blank";
    inner.rel = "noopener";
    inner.textContent = match[1];
  } else {
    inner.append(tag === "code" ? match[1] : inline(match[1]));
  }
  whole.append(text.slice(0, match.index), inner, inline(text.slice(match.index + match[0].length)));
  return whole;
}

function ticks(status) {
  const made = copyOf("ticks");
  made.classList.add(status || "none");
  return made;
}

function pictureOf(message, act) {
  const button = element("button", "picture");
  button.type = "button";
  const image = element("img");
  image.src = message.picture;
  image.alt = "QR";
  image.addEventListener("load", act.grown);
  image.addEventListener("error", () => button.remove());  // a code that is paid or over has no picture any more
  button.append(image);
  button.addEventListener("click", () => act.enlarge(message.picture));
  return button;
}

function cardOf(card) {
  const made = copyOf("card");
  made.querySelector(".total strong").textContent = reais.format(card.total_cents / 100);
  for (const item of card.items) {
    const line = element("li");
    line.append(element("span", "", item.name), element("span", "", reais.format(item.cents / 100)));
    made.querySelector(".items").append(line);
  }
  made.querySelector(".paid").hidden = !card.paid;
  made.querySelector(".canceled").hidden = !card.canceled;
  return made;
}

function orderOf(order) {
  const made = copyOf("order");
  const words = made.querySelector("span");
  words.textContent = order.paid ? words.dataset.paid : words.dataset[order.status] || words.dataset.pending;
  return made;
}

function attachmentOf(kind) {
  const made = element("p", `attachment ${kind}`);
  made.append(document.querySelector(`[data-attach="${kind === "audio" ? "audio" : "image"}"] svg`).cloneNode(true));
  made.append(kind === "audio" ? element("span", "wave") : document.body.dataset.image);
  return made;
}

function documentOf(file) {
  const made = element("a", "attachment document");
  made.href = file.url;
  made.target = "_blank";
  made.rel = "noopener";
  made.append(element("b", "", file.name.split(".").pop().toUpperCase()), element("span", "", file.name));
  return made;
}

function repliesOf(message, act) {
  const made = element("div", "replies");
  if (message.list_button) {
    const open = element("button", "", message.list_button);
    open.type = "button";
    open.prepend(listIcon());
    open.addEventListener("click", () => act.openList(message));
    made.append(open);
    return made;
  }
  for (const choice of message.choices) {
    const button = element("button", choice.id === message.pressed ? "taken" : "", choice.title);
    button.type = "button";
    button.addEventListener("click", () => act.press(message.id, choice.id));
    made.append(button);
  }
  if (message.link) {
    const link = element("a", "", message.link.title);
    link.href = message.link.url;
    link.target = "_blank";
    link.rel = "noopener";
    made.append(link);
  }
  return made;
}

function listIcon() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", "M4 5h2v2H4zm4 0h12v2H8zM4 11h2v2H4zm4 0h12v2H8zm-4 6h2v2H4zm4 0h12v2H8z");
  svg.append(path);
  return svg;
}

function codeActions(message, act) {
  const made = copyOf("code-actions");
  made.querySelector(".copy").addEventListener("click", (event) => act.copy(message.code, event.currentTarget));
  made.querySelector(".to-bank").addEventListener("click", () => act.toBank(message.code));
  return made;
}

// eslint-disable-next-line no-unused-vars
function drawMessage(message, act) {
  const made = copyOf("bubble");
  made.dataset.id = message.id;
  made.classList.toggle("mine", message.mine);
  const body = made.querySelector(".body");
  body.classList.toggle("coded", message.kind === "text" && Boolean(message.code));
  if (message.picture) body.append(pictureOf(message, act));
  if (message.document) body.append(documentOf(message.document));
  if (message.card) body.append(cardOf(message.card));
  if (message.order) body.append(orderOf(message.order));
  if (message.mine && ["image", "audio", "video", "document", "sticker"].includes(message.kind)) {
    body.append(attachmentOf(message.kind));
  }
  if (message.header) body.append(element("p", "heading", message.header));
  const words = element("div", "words");
  words.append(body.classList.contains("coded") ? message.text : markedUp(message.text));
  const meta = element("span", "meta", timeOf.format(new Date(message.at)));
  if (message.mine) meta.append(ticks(message.ticks));
  body.append(words);
  if (message.footer) body.append(element("p", "footnote", message.footer));
  (message.footer ? body : words).append(meta);
  if (message.code) made.append(codeActions(message, act));
  if (message.choices.length || message.link) made.append(repliesOf(message, act));
  if (message.failed) {
    const failed = copyOf("failed");
    failed.querySelector("small").textContent = message.failed;
    made.append(failed);
  }
  return made;
}
