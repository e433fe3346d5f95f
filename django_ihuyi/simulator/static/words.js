// All that the page says, in English and Chinese.
const WORDS = {
  en: {
    title: "Phones",
    allPhones: "All phones",
    receipts: "Receipts",
    delivered: "Delivered",
    failed: "Failed",
    byHand: "I decide",
    undecided: "No receipt",
    language: "中文",
    search: "Find a number",
    back: "All phones",
    answer: "Answer as this phone",
    answerHint: "Answer",
    send: "Send",
    nothing: "No phone has got a message yet.",
    how: "Send one to this simulator, and it appears here by itself.",
    choose: "Choose a phone.",
    copy: "Copy the code",
    copied: "Copied:",
    arrived: "New message:",
    lost: "No connection. Trying again…",
    fate: "What became of it",
    refused: "That did not work:",
    sms: "",
    voice_code: "Call",
    voice_notice: "Call",
    international: "International",
    marketing: "Marketing",
  },
  zh: {
    title: "手机",
    allPhones: "全部手机",
    receipts: "回执",
    delivered: "已送达",
    failed: "失败",
    byHand: "由我决定",
    undecided: "无回执",
    language: "English",
    search: "查找号码",
    back: "全部手机",
    answer: "以此手机回复",
    answerHint: "回复",
    send: "发送",
    nothing: "还没有手机收到短信。",
    how: "向本模拟器发送一条，它会自动出现在这里。",
    choose: "请选择一部手机。",
    copy: "复制验证码",
    copied: "已复制：",
    arrived: "新消息：",
    lost: "连接已断开，正在重试…",
    fate: "消息的结果",
    refused: "操作未成功：",
    sms: "",
    voice_code: "语音",
    voice_notice: "语音",
    international: "国际",
    marketing: "营销",
  },
};

export let language = remembered() || (navigator.language.startsWith("zh") ? "zh" : "en");

export function say(word) {
  return WORDS[language][word] ?? word;
}

export function switchLanguage() {
  language = language === "zh" ? "en" : "zh";
  try {
    localStorage.setItem("language", language);
  } catch {
    // A browser that keeps nothing forgets this too.
  }
  translate();
}

export function translate() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  document.title = say("title");
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = say(node.dataset.word);
  for (const node of document.querySelectorAll("[data-label]")) node.setAttribute("aria-label", say(node.dataset.label));
  for (const node of document.querySelectorAll("[data-hint]")) node.placeholder = say(node.dataset.hint);
  document.getElementById("language").textContent = say("language");
}

function remembered() {
  try {
    const kept = localStorage.getItem("language");
    return kept in WORDS ? kept : "";
  } catch {
    return "";
  }
}
