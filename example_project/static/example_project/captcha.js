// Captchas: what an answer's member `captcha` says is to be shown, and what is sent back for it.
"use strict";

const captcha = (() => {
  const box = document.getElementById("captcha");
  const picture = document.getElementById("captcha-image");
  const input = document.getElementById("captcha-text");
  const GEETEST = "https://static.geetest.com/v4/gt4.js";
  let shown;

  const showPicture = (challenge, form) => {
    shown = challenge;
    form.querySelector(".error").before(box);
    picture.src = challenge.image_url || challenge.image;
    input.value = "";
    box.hidden = false;
    input.focus();
  };

  const hide = () => {
    shown = undefined;
    box.hidden = true;
  };

  // The answer to the picture that is shown, if one is.
  const typed = () => (shown ? { challenge_id: shown.challenge_id, text: input.value } : undefined);

  // Proof of work: altcha, second version.
  const bytes = (hex) => Uint8Array.from(hex.match(/../g) || [], (pair) => parseInt(pair, 16));
  const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

  async function deriveKey({ algorithm, nonce, salt, cost, keyLength }, counter) {
    const password = new Uint8Array([...bytes(nonce), 0, 0, 0, 0]);
    new DataView(password.buffer).setUint32(password.length - 4, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const how = { name: "PBKDF2", hash: algorithm.split("/")[1], salt: bytes(salt), iterations: cost };
    return hex(await crypto.subtle.deriveBits(how, key, keyLength * 8));
  }

  async function work({ challenge_id, challenge }) {
    for (let counter = 0; ; counter += 1) {
      const derivedKey = await deriveKey(challenge.parameters, counter);
      if (derivedKey.startsWith(challenge.parameters.keyPrefix)) {
        return { challenge_id, payload: btoa(JSON.stringify({ challenge, solution: { counter, derivedKey } })) };
      }
    }
  }

  // GeeTest: its own script shows the puzzle, over the page.
  const load = (source) => new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src: source, onload: resolve, onerror: reject });
    document.head.append(script);
  });

  async function play({ challenge_id, captcha_id }) {
    if (!window.initGeetest4) await load(GEETEST);
    return new Promise((resolve) => {
      window.initGeetest4({ captchaId: captcha_id, product: "bind" }, (puzzle) => {
        puzzle.onReady(() => puzzle.showCaptcha());
        puzzle.onSuccess(() => {
          const { lot_number, captcha_output, pass_token, gen_time } = puzzle.getValidate();
          resolve({ challenge_id, lot_number, captcha_output, pass_token, gen_time });
        });
        puzzle.onClose(() => resolve(null));
        puzzle.onError(() => resolve(null));
      });
    });
  }

  // Return the answer, or nothing if a person has to type it first.
  async function solve(challenge, form) {
    if (challenge.kind === "image") return showPicture(challenge, form);
    const solvers = { proof_of_work: work, geetest: play };
    try {
      return await solvers[challenge.kind](challenge);
    } catch {
      return null;
    }
  }

  return { box, input, picture, hide, showPicture, solve, typed };
})();
