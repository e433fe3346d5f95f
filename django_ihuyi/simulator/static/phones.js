// Phones as a person sees them: a list, and the thread of the one that is chosen. News comes by asking again.
import { language, say, switchLanguage, translate } from "./words.js";

const PAUSE = 1000; // between two questions, where the server does not let us wait for the answer
const SHOWN = 300; // phones in the list
const at = (id) => document.getElementById(id);
const phones = new Map(); // number → {items: Map, latest, unread, entry}
const known = { epoch: "", revision: 0, fate: "" };

// --- What is new -----------------------------------------------------------------------------------------------

async function listen() {
  for (let maxWait = 0; ; ) {
    try {
      const news = await ask(`threads?since=${known.revision}&epoch=${known.epoch}&wait=${maxWait ? 20 : 0}`);
      maxWait = news.max_wait;
      setText("state", "");
      take(news);
    } catch {
      maxWait = 0;
      setText("state", say("lost"));
    }
    if (!maxWait) await new Promise((go) => setTimeout(go, PAUSE));
  }
}

function take({ epoch, revision, fate, items }) {
  if (fate !== known.fate) at("fate").value = fate; // what a person has just chosen stays, while news is on its way
  at("fate").disabled = false;
  const isFirst = known.epoch === "";
  const isAnew = epoch !== known.epoch;
  if (isAnew) phones.clear();
  Object.assign(known, { epoch, revision, fate });
  if (items.length === 0 && !isAnew) return;
  for (const item of items) file(item, isFirst);
  draw();
}

function file(item, isFirst) {
  const phone = phones.get(item.mobile) ?? { items: new Map(), unread: 0, latest: item };
  const isNew = !phone.items.has(item.id);
  phones.set(item.mobile, phone);
  phone.items.set(item.id, item);
  if (item.id >= phone.latest.id) phone.latest = item;
  if (!isNew || isFirst || item.kind !== "message") return;
  if (item.mobile !== chosen()) phone.unread += 1;
  announce(`${say("arrived")} ${item.mobile} ${item.code}`);
}

async function ask(path, data) {
  const options = data ? { method: "POST", body: JSON.stringify(data) } : {};
  const answer = await fetch(path, { ...options, headers: { "Content-Type": "application/json" } });
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}

async function order(path, data) {
  try {
    await ask(path, data);
    return true;
  } catch (error) {
    announce(`${say("refused")} ${error.message}`);
    return false;
  }
}

// --- What is shown ---------------------------------------------------------------------------------------------

const chosen = () => decodeURIComponent(location.hash.slice(1));

function draw() {
  const number = chosen();
  const phone = phones.get(number);
  if (phone) phone.unread = 0;
  document.body.classList.toggle("reading", Boolean(phone));
  at("thread").hidden = !phone;
  at("nothing").hidden = Boolean(phone);
  at("nothing").firstElementChild.textContent = say(phones.size ? "choose" : "nothing");
  at("nothing").children[1].hidden = phones.size > 0;
  document.body.classList.toggle("empty", phones.size === 0);
  drawList(number);
  if (phone) drawThread(number, phone);
}

function drawList(number) {
  const wanted = at("search").value.replaceAll(/\D/g, "");
  const shown = [...phones]
    .filter(([mobile]) => mobile.replaceAll(" ", "").includes(wanted))
    .sort(([, one], [, other]) => other.latest.id - one.latest.id)
    .slice(0, SHOWN);
  at("search").hidden = phones.size < 6;
  const entries = shown.map(([mobile, phone]) => drawEntry(mobile, phone, mobile === number));
  const list = at("phones");
  const focused = document.activeElement;
  if (entries.length !== list.children.length || entries.some((entry, place) => list.children[place] !== entry)) {
    list.replaceChildren(...entries);
    if (list.contains(focused)) focused.focus();
  }
}

function drawEntry(mobile, phone, isChosen) {
  if (!phone.entry) {
    phone.entry = make("li", {}, [
      make("a", { href: `#${encodeURIComponent(mobile)}` }, [
        make("span", { class: "who" }, [mobile]),
        make("time", {}),
        make("span", { class: "glimpse" }),
        make("span", { class: "unread" }),
      ]),
    ]);
  }
  const [link] = phone.entry.children;
  const [, time, glimpse, unread] = link.children;
  time.textContent = clock(phone.latest.at).slice(0, 5);
  glimpse.textContent = phone.latest.content;
  unread.textContent = phone.unread || "";
  if (isChosen) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  return phone.entry;
}

function drawThread(number, phone) {
  const list = at("bubbles");
  const isElsewhere = list.dataset.number !== number || list.dataset.epoch !== known.epoch || list.lang !== language;
  const isAtEnd = isElsewhere || list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  if (isElsewhere) list.replaceChildren();
  Object.assign(list.dataset, { number, epoch: known.epoch });
  list.lang = language;
  at("number").textContent = number;
  for (const item of [...phone.items.values()].sort((one, other) => one.id - other.id)) drawBubble(list, item);
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

function drawBubble(list, item) {
  const there = at(`item-${item.id}`);
  if (there) {
    setFate(there, item);
    return;
  }
  const isMessage = item.kind === "message";
  const bubble = make("li", { id: `item-${item.id}`, class: isMessage ? item.product : "reply" }, [
    make("p", { lang: "zh" }, isMessage ? write(item) : [item.content]),
    make("div", { class: "below" }, [make("time", { datetime: item.at }, [clock(item.at)]), ...badge(item)]),
  ]);
  if (isMessage) bubble.lastChild.append(fateChoice(item));
  setFate(bubble, item);
  list.append(bubble);
}

function write(message) {
  const signature = message.signature ? [make("b", {}, [`【${message.signature}】`])] : [];
  if (!message.code) return [...signature, message.content];
  const button = make("button", { type: "button", class: "code", title: say("copy") }, [message.code]);
  button.addEventListener("click", () => copy(message.code));
  const [before, after] = split(message.content, message.code);
  return [...signature, before, button, after];
}

function split(text, code) {
  const place = text.indexOf(code);
  return place < 0 ? [`${text} `, ""] : [text.slice(0, place), text.slice(place + code.length)];
}

function badge(item) {
  const word = item.kind === "message" ? say(item.product) : "";
  return word ? [make("span", { class: "badge" }, [word])] : [];
}

function fateChoice(message) {
  const options = [
    ["", say("undecided")],
    ["delivered", say("delivered")],
    ["failed", say("failed")],
    ["failed BLACK-Y", `${say("failed")}: BLACK-Y`],
  ];
  const choice = make("select", { class: "fate", "aria-label": say("fate") });
  for (const [value, text] of options) choice.append(make("option", { value }, [text]));
  choice.firstChild.disabled = true;
  choice.addEventListener("change", () => {
    const [fate, msg = ""] = choice.value.split(" ");
    order("pushes", { smsid: message.smsid, mobile: message.mobile, fate, msg, delay: 0 });
  });
  return choice;
}

function setFate(bubble, item) {
  const choice = bubble.querySelector(".fate");
  if (!choice) return;
  if (!choice.value.startsWith(item.fate) || !item.fate) choice.value = item.fate;
  bubble.dataset.fate = item.fate;
}

function make(tag, attributes, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function clock(moment) {
  return new Date(moment).toLocaleTimeString("en-GB");
}

function setText(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

function announce(text) {
  setText("toast", text);
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => setText("toast", ""), 4000);
}

async function copy(code) {
  try {
    await navigator.clipboard.writeText(code);
  } catch {
    const field = make("textarea", { class: "unseen" }, [code]);
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
  announce(`${say("copied")} ${code}`);
}

// --- What a person does ----------------------------------------------------------------------------------------

addEventListener("hashchange", () => {
  draw();
  if (chosen()) at("bubbles").focus();
});
at("search").addEventListener("input", draw);
at("language").addEventListener("click", () => {
  switchLanguage();
  draw();
});
at("fate").addEventListener("change", () => order("fates", { fate: at("fate").value }));
at("reply").addEventListener("submit", async (event) => {
  event.preventDefault();
  const isSent = await order("replies", { mobile: chosen(), content: at("answer").value });
  if (isSent) at("answer").value = "";
});
translate();
draw();
listen();
