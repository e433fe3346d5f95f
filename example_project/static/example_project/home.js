// The page's story: ask for a code, enter it, open the account. All it shows comes from the API's answers.
"use strict";

const app = document.getElementById("app");
const text = (name, values = {}) =>
  app.dataset[name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
const element = (id) => document.getElementById(id);
const forms = [element("phone-form"), element("code-form"), element("done-form")];
const memory = {
  read: () => JSON.parse(sessionStorage.getItem("verification") || "{}"),
  write: (changes) => sessionStorage.setItem("verification", JSON.stringify({ ...memory.read(), ...changes })),
  clear: () => sessionStorage.removeItem("verification"),
};

async function call(path, body, more = {}) {
  const headers = { Accept: "application/json", "X-CSRFToken": app.dataset.csrf, ...more };
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) });
  } catch {
    return { ok: false, data: { detail: text("textOffline") } };
  }
  const data = await response.json().catch(() => ({}));
  return { ok: response.ok, status: response.status, data };
}

// Steps

function show(step) {
  forms.forEach((form, place) => { form.hidden = place !== step; });
  document.querySelectorAll(".steps li").forEach((mark, place) => mark.classList.toggle("reached", place <= step));
  complain(forms[step], "");
}

function complain(form, detail, input = form.querySelector("input")) {
  form.querySelectorAll("input").forEach((field) => field.setAttribute("aria-invalid", "false"));
  form.querySelector(".error").textContent = detail;
  if (!input) return;
  input.setAttribute("aria-invalid", detail ? "true" : "false");
  if (detail) input.select();
}

function explain(data) {
  const first = Array.isArray(data.errors) && data.errors[0];
  return (first && first.detail) || data.detail || (Array.isArray(data.proof) && data.proof[0]) || text("textFailed");
}

async function busy(button, work) {
  button.setAttribute("aria-busy", "true");
  button.disabled = true;
  try {
    await work();
  } finally {
    button.removeAttribute("aria-busy");
    button.disabled = false;
    tick();
  }
}

// Time: what the API says counts from now; each second shows what is left of it.

const until = { resend: 0, send: 0, expiry: 0 };
const inSeconds = (seconds) => Date.now() + 1000 * (seconds || 0);
const left = (name) => Math.max(0, Math.ceil((until[name] - Date.now()) / 1000));

function tick() {
  const [send, resend] = [forms[0].querySelector(".main"), element("resend")];
  label(send, left("send"), "textWait", "textSend");
  label(resend, left("resend"), "textResendIn", "textResend");
  if (!until.expiry) return;
  const seconds = left("expiry");
  const time = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  element("valid").textContent = seconds ? text("textValid", { time }) : text("textOver");
}

function label(button, seconds, waiting, ready) {
  button.textContent = seconds ? text(waiting, { seconds }) : text(ready);
  button.disabled = seconds > 0 || button.hasAttribute("aria-busy");
}

// The story

async function askForCode(form, body) {
  const path = `${app.dataset.api}send-code/`;
  const answer = await call(path, { ...body, captcha: captcha.typed() });
  if (!answer.data.captcha) return answer;
  const solved = await captcha.solve(answer.data.captcha, form);
  return solved ? call(path, { ...body, captcha: solved }) : answer;
}

async function sendCode(form, button, body) {
  await busy(button, async () => {
    complain(form, "");
    const { ok, data } = await askForCode(form, { ...body, purpose: app.dataset.purpose });
    if (!ok) {
      until[form === forms[0] ? "send" : "resend"] = inSeconds(data.retry_after);
      complain(form, explain(data), data.captcha && !captcha.box.hidden ? captcha.input : undefined);
      return;
    }
    captcha.hide();
    memory.write({ id: data.verification_id, entered: body.phone, masked: data.phone, length: data.code_length });
    await showInbox();
    awaitCode(data);
    element("status").textContent = element("sent").textContent;
  });
}

function awaitCode(data) {
  const { masked, length } = memory.read();
  until.resend = inSeconds(data.resend_in);
  until.expiry = inSeconds(data.expires_in);
  show(1);
  element("sent").textContent = text("textSent", { phone: masked });
  if (length) element("code").maxLength = length;
  tick();
  element("code").focus();
}

function celebrate(phone) {
  show(2);
  element("register").hidden = false;
  element("verified").textContent = text("textVerified", { phone });
  element("verified").focus();
}

function restart() {
  memory.clear();
  captcha.hide();
  Object.assign(until, { resend: 0, send: 0, expiry: 0 });
  forms.forEach((form) => form.reset());
  show(0);
  tick();
  element("phone").focus();
}

forms[0].addEventListener("submit", (event) => {
  event.preventDefault();
  sendCode(forms[0], forms[0].querySelector(".main"), { phone: element("phone").value });
});

element("resend").addEventListener("click", () => {
  const { id, entered } = memory.read();
  sendCode(forms[1], element("resend"), { phone: entered, verification_id: id });
});

element("captcha-other").addEventListener("click", async () => {
  const { ok, data } = await call(`${app.dataset.api}captcha/?purpose=${app.dataset.purpose}`);
  const form = captcha.box.closest("form");
  if (ok) captcha.showPicture(data, form);
  else complain(form, explain(data), captcha.input);
});

// Beside the code, Enter would verify: in the picture's field it sends.
captcha.input.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || captcha.box.closest("form") !== forms[1]) return;
  event.preventDefault();
  element("resend").click();
});

forms[1].addEventListener("submit", (event) => {
  event.preventDefault();
  busy(forms[1].querySelector(".main"), async () => {
    complain(forms[1], "");
    const body = { verification_id: memory.read().id, code: element("code").value.trim() };
    const { ok, data } = await call(`${app.dataset.api}verify-code/`, body);
    if (!ok) return complain(forms[1], explain(data));
    memory.write({ proof: data.proof, phone: data.phone });
    celebrate(data.phone);
  });
});

forms[2].addEventListener("submit", (event) => {
  event.preventDefault();
  busy(element("register"), async () => {
    complain(forms[2], "");
    const { ok, status, data } = await call(app.dataset.register, { proof: memory.read().proof });
    if (!ok) return complain(forms[2], explain(data));
    memory.clear();
    element("register").hidden = true;
    element("verified").textContent = text(status === 201 ? "textWelcome" : "textBack", { phone: data.phone });
    element("verified").focus();
  });
});

element("restart").addEventListener("click", restart);
element("again").addEventListener("click", restart);

// The simulated phone

async function showInbox() {
  const digits = (memory.read().entered || "").normalize("NFKC").replace(/\D/g, "").slice(-11);
  if (!app.dataset.inbox || !digits) return;
  const { ok, data } = await call(`${app.dataset.inbox}?mobile=${digits}`);
  if (!ok) return;
  const messages = Array.isArray(data) ? data : data.messages;
  element("inbox-empty").hidden = messages.length > 0;
  element("inbox").replaceChildren(...messages.slice(0, 5).map(bubble));
}

function bubble(message) {
  const item = document.createElement("li");
  const moment = document.createElement("time");
  moment.dateTime = message.at;
  moment.textContent = new Date(message.at).toLocaleTimeString(document.documentElement.lang);
  item.append(message.content, moment);
  return item;
}

// A page that was reloaded goes on where it was.

async function resume() {
  const { id, proof, phone } = memory.read();
  if (proof) return celebrate(phone);
  if (!id) return show(0);
  const { ok, data } = await call(`${app.dataset.api}verifications/`, null, { "Verification-Id": id });
  if (!ok || data.state !== "pending") return restart();
  await showInbox();
  awaitCode(data);
}

setInterval(tick, 500);
resume();
