// What a page can try against another site, by the name of the try; each resolves when the browser is done with it.
(() => {
  const loaded = (element) =>
    new Promise((resolve) => {
      element.onload = element.onerror = resolve;
      document.body.append(element);
      setTimeout(resolve, 3000);
    });
  const make = (name, properties) => Object.assign(document.createElement(name), properties);
  const settled = (promise) => promise.then(() => null, () => null);
  const query = (fields) => new URLSearchParams(fields).toString();
  const send = (url, body, type, more) =>
    settled(fetch(url, { method: "POST", body, headers: type ? { "Content-Type": type } : {}, ...more }));
  const beacon = (url, body) => navigator.sendBeacon(url, body);

  function submit(url, fields, { method = "post", enctype = "application/x-www-form-urlencoded" } = {}) {
    const target = `frame${document.querySelectorAll("iframe").length}`;
    const frame = make("iframe", { name: target });
    document.body.append(frame);
    const form = make("form", { action: url, method, enctype, target });
    for (const [name, value] of Object.entries(fields)) {
      form.append(make("input", { name, value }));
    }
    document.body.append(form);
    const done = new Promise((resolve) => {
      frame.onload = resolve;
      setTimeout(resolve, 3000);
    });
    form.submit();
    return done;
  }

  // A form of text/plain writes name=value: with the right halves that is JSON.
  const spelled = (fields) => ({ [JSON.stringify(fields).slice(0, -1) + ',"x":"']: '"}' });
  const opaque = { mode: "no-cors", credentials: "include" };

  window.tries = {
    form: (url, fields) => submit(url, fields),
    "multipart form": (url, fields) => submit(url, fields, { enctype: "multipart/form-data" }),
    "form that spells JSON": (url, fields) => submit(url, spelled(fields), { enctype: "text/plain" }),
    "form by GET": (url, fields) => submit(url, fields, { method: "get" }),
    "opaque text": (url, fields) => send(url, JSON.stringify(fields), "", opaque),
    "opaque form": (url, fields) => send(url, new URLSearchParams(fields), "", opaque),
    "opaque JSON": (url, fields) => send(url, JSON.stringify(fields), "application/json", opaque),
    "opaque blob": (url, fields) => send(url, new Blob([JSON.stringify(fields)]), "", opaque),
    JSON: (url, fields) => send(url, JSON.stringify(fields), "application/json", { credentials: "include" }),
    "JSON without cookies": (url, fields) => send(url, JSON.stringify(fields), "application/json", { credentials: "omit" }),
    PUT: (url, fields) => send(url, JSON.stringify(fields), "application/json", { method: "PUT" }),
    "beacon of text": (url, fields) => beacon(url, JSON.stringify(fields)),
    "beacon of a form": (url, fields) => beacon(url, new URLSearchParams(fields)),
    "beacon of JSON": (url, fields) => beacon(url, new Blob([JSON.stringify(fields)], { type: "application/json" })),
    "beacon without a type": (url, fields) => beacon(url, new Blob([JSON.stringify(fields)])),
    image: (url, fields) => loaded(make("img", { src: `${url}?${query(fields)}` })),
    script: (url, fields) => loaded(make("script", { src: `${url}?${query(fields)}` })),
    frame: (url, fields) => loaded(make("iframe", { src: `${url}?${query(fields)}` })),
    window: (url, fields) => window.open(`${url}?${query(fields)}`)?.closed,
  };
})();
