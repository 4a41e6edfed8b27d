"use strict";

const messages = document.getElementById("messages");
const form = document.getElementById("say");
let socket;

function show(author, text, kind) {
  const line = document.createElement("li");
  const name = document.createElement("strong");
  name.textContent = author;
  line.append(name, " ", text);
  line.className = kind;
  messages.append(line);
  line.scrollIntoView({ block: "nearest" });
}

function connect() {
  const scheme = location.protocol.replace("http", "ws");
  socket = new WebSocket(`${scheme}//${location.host}/ws/chat/${messages.dataset.room}/`);
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (message.error) show("", message.error, "error");
    else show(message.author, message.text, "");
  };
  socket.onclose = () => setTimeout(connect, 1000);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(JSON.stringify({ text: form.text.value }));
  form.reset();
});

connect();
