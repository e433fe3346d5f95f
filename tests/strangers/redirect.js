// Required before the stranger's program: whatever it connects to, the socket ends at the simulator. Nothing else changes.
"use strict";

const net = require("net");

const [host, port] = process.env.SIMULATOR.split(":");
const connect = net.Socket.prototype.connect;

net.Socket.prototype.connect = function (...given) {
  // Node hands over either (options, callback), or these two in an array that it has marked with a symbol.
  const words = Array.isArray(given[0]) ? given[0] : given;
  if (typeof words[0] === "object" && !words[0].path) {
    words[0] = { ...words[0], host, port: Number(port), lookup: undefined };
  }
  return connect.apply(this, given);
};
