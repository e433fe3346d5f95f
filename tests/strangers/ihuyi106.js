// Calls the npm package ihuyi106 as its README does, and prints what it makes of the answers.
"use strict";

const IHuyi = require("ihuyi106");

const [account, password, internationalKey, ...calls] = JSON.parse(process.argv[2]);
const client = new IHuyi(account, password, internationalKey);

function call([method, ...words]) {
  return new Promise((done) => {
    client[method](...words, (error, id) => done({ error: error ? error.message : "", id: id || "" }));
  });
}

async function run() {
  const results = [];
  for (const words of calls) results.push(await call(words));
  console.log(JSON.stringify(results));
}

run();
