// The deposit page with scripts: drop files and folders, see each with its state, send them one by one, go on when the
// line is lost. Large files go by parts (tus 1.0.0) and go on where they stopped, also after this page was loaded anew.
// Without scripts the same form posts everything at once.
const form = document.querySelector("[data-deposit]");
const words = form.dataset;
const list = form.querySelector("[data-list]");
const queueBox = form.querySelector("[data-queue]");
const bar = form.querySelector("[data-bar]");
const barBox = form.querySelector("[data-progress]");
const barWords = form.querySelector("[data-bar-words]");
const sum = form.querySelector("[data-sum]");
const button = form.querySelector("[data-submit]");
const drop = form.querySelector("[data-drop]");
const queue = [];
const SHOWN = 500;
const TRIES = 8;
const LARGE = 8 * 1024 * 1024;
const PART = 16 * 1024 * 1024;
const LONGEST_PAUSE = 10000;
const MEMORY = "lantai.deposit";
let sending = false;

function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  let amount = count;
  while (amount >= 999.95 && unit < units.length - 1) { amount /= 1000; unit += 1; }
  return unit === 0 ? `${amount} B` : `${amount.toFixed(1)} ${units[unit]}`;
}
const fill = (pattern, values) => pattern.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
const total = () => queue.reduce((all, one) => all + one.file.size, 0);

function row(one) {
  const item = document.createElement("li");
  item.className = "queue__one";
  const thumb = document.createElement("span");
  thumb.className = "queue__thumb";
  thumb.textContent = (one.path.split(".").pop() || "").slice(0, 4).toUpperCase();
  const name = document.createElement("bdi");
  name.className = "queue__name";
  name.textContent = one.path;
  const state = document.createElement("span");
  state.className = "queue__state";
  state.textContent = `${bytes(one.file.size)} · ${words.wordsWaiting}`;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "button button--small";
  remove.textContent = words.wordsRemove;
  remove.addEventListener("click", () => {
    if (sending) return;
    queue.splice(queue.indexOf(one), 1);
    item.remove();
    show();
  });
  item.append(thumb, name, state, remove);
  one.state = state;
  one.remove = remove;
  return item;
}

function show() {
  queueBox.hidden = queue.length === 0;
  sum.textContent = fill(words.wordsChosen, { total: queue.length, bytes: bytes(total()) });
}

function add(file, path) {
  if (sending || queue.some((one) => one.path === path && one.file.size === file.size)) return;
  const one = { file, path, sent: 0, done: false, state: null, remove: null };
  queue.push(one);
  if (queue.length <= SHOWN) list.append(row(one));
}

form.querySelectorAll("input[type=file]").forEach((input) => {
  input.addEventListener("change", () => {
    Array.from(input.files).forEach((file) => {
      const path = file.webkitRelativePath || file.name;
      // Some phones give every photograph the same name; only then is it told apart by a number.
      const again = input.name === "camera" && queue.some((one) => one.path === path && one.file.size !== file.size);
      add(file, again ? `${queue.length + 1}-${path}` : path);
    });
    input.value = "";
    show();
  });
});

async function walk(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    add(file, entry.fullPath.replace(/^\//, ""));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const one of some) await walk(one);
  }
}

["dragenter", "dragover"].forEach((name) => document.addEventListener(name, (event) => {
  event.preventDefault();
  drop.classList.add("drop--over");
}));
["dragleave", "drop"].forEach((name) => document.addEventListener(name, (event) => {
  event.preventDefault();
  if (name === "drop" || event.relatedTarget === null) drop.classList.remove("drop--over");
}));
document.addEventListener("drop", async (event) => {
  const entries = Array.from(event.dataTransfer.items || []).map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
  if (entries.length) for (const entry of entries) await walk(entry);
  else Array.from(event.dataTransfer.files).forEach((file) => add(file, file.name));
  show();
});

// Until a time has passed, or the browser says that the line is back.
const pause = (milliseconds) => new Promise((resolve) => {
  const timer = window.setTimeout(resolve, milliseconds);
  window.addEventListener("online", () => { window.clearTimeout(timer); window.setTimeout(resolve, 200); }, { once: true });
});

function request(method, address, headers, body, onprogress) {
  return new Promise((resolve, reject) => {
    const asked = new XMLHttpRequest();
    asked.open(method, address);
    asked.setRequestHeader("X-CSRF-Token", words.csrf);
    Object.keys(headers).forEach((name) => asked.setRequestHeader(name, headers[name]));
    if (onprogress) asked.upload.addEventListener("progress", (event) => onprogress(event.loaded));
    asked.addEventListener("load", () => resolve(asked));
    ["error", "timeout", "abort"].forEach((name) => asked.addEventListener(name, () => reject(new Error("line"))));
    asked.send(body);
  });
}

function detail(answer) {
  try { return JSON.parse(answer.responseText).detail; } catch (error) { return String(answer.status); }
}

// What this browser remembers of a deposit that is not finished: its number, numbers made from names, sizes and times of
// its files, and where their parts go. No name and no content is kept.
function fingerprint(text) {
  let first = 0x811c9dc5;
  let second = 0x1000193;
  for (let place = 0; place < text.length; place += 1) {
    first = Math.imul(first ^ text.charCodeAt(place), 0x01000193);
    second = Math.imul(second ^ text.charCodeAt(place), 0x85ebca6b) + 1;
  }
  return `${(first >>> 0).toString(16)}-${(second >>> 0).toString(16)}`;
}
const keyOf = (one) => fingerprint(`${one.path}\n${one.file.size}\n${one.file.lastModified}`);
function recalled() {
  try { return JSON.parse(window.localStorage.getItem(MEMORY)); } catch (error) { return null; }
}
function remember(memory) {
  try {
    if (memory) window.localStorage.setItem(MEMORY, JSON.stringify(memory));
    else window.localStorage.removeItem(MEMORY);
  } catch (error) { /* a browser that keeps nothing only cannot go on after a reload */ }
}

const started = { at: 0, resumed: 0 };
function progress() {
  const all = total();
  const sent = queue.reduce((sumSent, one) => sumSent + Math.min(one.sent, one.file.size), 0);
  const files = queue.filter((one) => one.done).length;
  bar.max = Math.max(all, 1);
  bar.value = sent;
  const seconds = (Date.now() - started.at) / 1000;
  const fresh = sent - started.resumed;
  const left = seconds > 3 && fresh > 0 ? ` · ${fill(words.wordsLeft, { seconds: Math.ceil((all - sent) * seconds / fresh) })}` : "";
  barWords.textContent = fill(words.wordsBar, { files, total: queue.length, sent: bytes(sent), bytes: bytes(all) }) + left;
}

function say(one, text, kind) {
  if (!one.state) return;
  one.state.textContent = `${bytes(one.file.size)} · ${text}`;
  one.state.className = `queue__state${kind ? ` queue__state--${kind}` : ""}`;
}

// Opening and ending a deposit are harmless when repeated: a lost line is waited for.
async function json(method, address, body) {
  for (let turn = 1; ; turn += 1) {
    let answer;
    try {
      answer = await fetch(address, {
        method,
        credentials: "same-origin",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": words.csrf, Accept: "application/json" },
        body: JSON.stringify(body),
      });
    } catch (error) {
      barWords.textContent = words.wordsLine;
      await pause(Math.min(500 * 2 ** turn, LONGEST_PAUSE));
      continue;
    }
    const got = await answer.json();
    if (!answer.ok) {
      const error = new Error(got.detail || String(answer.status));
      const fields = (got.params && got.params.fields) || [];
      error.field = fields.find((name) => form.elements[name] && form.elements[name].closest(".field"));
      throw error;
    }
    return got;
  }
}

// Does `act` until it answers: a lost line is waited for without end, a site that is out for some tries.
async function patiently(one, act) {
  let turn = 0;
  for (let failed = 0; failed < TRIES;) {
    try {
      const answer = await act();
      if (answer.status < 400) return answer;
      if (answer.status === 409 || answer.status === 410) return answer;
      if (answer.status !== 423 && answer.status < 500) throw new Error(detail(answer));
      if (answer.status === 507) throw new Error(detail(answer));
      if (answer.status !== 423) failed += 1;
      say(one, words.wordsFailed, "failed");
    } catch (error) {
      if (error.message !== "line") { say(one, error.message, "failed"); throw error; }
      say(one, words.wordsLine, "failed");
    }
    turn += 1;
    await pause(Math.min(500 * 2 ** turn, LONGEST_PAUSE));
  }
  say(one, words.wordsGone, "failed");
  throw new Error(words.wordsGone);
}

function sent(one) {
  one.done = true;
  one.sent = one.file.size;
  say(one, words.wordsSent, "sent");
  if (one.remove) one.remove.hidden = true;
  progress();
}

async function sendWhole(one, submission) {
  const address = `/api/v1/submissions/${submission}/files?path=${encodeURIComponent(one.path)}`;
  const answer = await patiently(one, () => {
    one.sent = 0;
    return request("PUT", address, { "Content-Type": "application/octet-stream" }, one.file, (count) => { one.sent = count; progress(); });
  });
  if (answer.status >= 400) throw new Error(detail(answer));
}

const TUS = { "Tus-Resumable": "1.0.0" };
const reached = (answer) => Number(answer.getResponseHeader("Upload-Offset"));
const base64 = (text) => window.btoa(Array.from(new TextEncoder().encode(text), (one) => String.fromCharCode(one)).join(""));

async function sendByParts(one, submission, memory) {
  const begin = () => request("POST", `/api/v1/submissions/${submission}/uploads`, {
    ...TUS,
    "Upload-Length": String(one.file.size),
    "Upload-Metadata": `path ${base64(one.path)}`,
    "Idempotency-Key": keyOf(one),
  }, null);
  let answer = await patiently(one, begin);
  if (answer.status >= 400) throw new Error(detail(answer));
  const address = answer.getResponseHeader("Location");
  memory.files[keyOf(one)] = address;
  remember(memory);
  let offset = reached(answer);
  started.resumed += offset;
  if (offset) say(one, fill(words.wordsResumed, { bytes: bytes(offset) }));
  while (offset < one.file.size) {
    const from = offset;
    one.sent = from;
    progress();
    let line = true;
    try {
      const headers = { ...TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(from) };
      answer = await request("PATCH", address, headers, one.file.slice(from, from + PART), (count) => { one.sent = from + count; progress(); });
      line = answer.status === 409 || answer.status === 423 || (answer.status >= 500 && answer.status !== 507);
      if (answer.status >= 400 && !line) { say(one, detail(answer), "failed"); throw new Error(detail(answer)); }
    } catch (error) {
      if (error.message !== "line") throw error;
      say(one, words.wordsLine, "failed");
    }
    if (line) {  // how much arrived is for the site to say
      await pause(500);
      answer = await patiently(one, () => request("HEAD", address, TUS, null));
      if (answer.status >= 400) throw new Error(words.wordsGone);
    }
    offset = reached(answer);
    if (line && offset < one.file.size) say(one, fill(words.wordsResumed, { bytes: bytes(offset) }));
  }
}

async function send(one, submission, memory) {
  if (one.file.size > LARGE) await sendByParts(one, submission, memory);
  else await sendWhole(one, submission);
  sent(one);
}

// Parts of files that were begun earlier and are not chosen any more are given up, else the deposit would never end.
async function giveUpOthers(memory) {
  const chosen = new Set(queue.map(keyOf));
  for (const key of Object.keys(memory.files)) {
    if (!chosen.has(key) && memory.files[key]) await request("DELETE", memory.files[key], TUS, null);
    if (!chosen.has(key)) delete memory.files[key];
  }
  remember(memory);
}

function complain(text) {
  const hint = form.querySelector("[data-hint]");
  hint.textContent = text;
  hint.className = "field__error";
  hint.setAttribute("role", "alert");
  return hint;
}

// What is wrong with one field stands beside it, and the field is where she goes on.
function complainOf(name, text) {
  const box = form.elements[name];
  const field = box.closest(".field");
  let words = field.querySelector(".field__error");
  if (!words) {
    words = document.createElement("p");
    words.className = "field__error";
    words.id = `wrong-${name}`;
    field.insertBefore(words, box);
  }
  words.textContent = text;
  box.setAttribute("aria-invalid", "true");
  box.setAttribute("aria-describedby", `${box.getAttribute("aria-describedby") || ""} wrong-${name}`.trim());
  box.addEventListener("input", () => { words.remove(); box.removeAttribute("aria-invalid"); }, { once: true });
  box.focus();
}

// Signing in happens in a window of its own: what was chosen stays here.
function askToSignIn(text) {
  const link = document.createElement("a");
  link.href = "/sign-in";
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = words.wordsSignIn;
  complain(`${text} `).append(link);
}

// The deposit to send into: the one under way, the one that this browser did not finish with one of these files, a new one.
async function opened(value) {
  const wish = {
    household_no: value("household_no"), programme: value("programme"), document_type: value("document_type"),
    one_record: form.elements.one_record.checked, leave_out: form.elements.leave_out.checked,
  };
  const asked = fingerprint(JSON.stringify(wish));
  const known = recalled();
  if (known && form.dataset.submission === known.submission) return known;
  if (known && known.asked === asked && queue.some((one) => keyOf(one) in known.files) && await isReceiving(known.submission)) return known;
  const made = await json("POST", "/api/v1/submissions", { ...wish, title: value("title"), idempotency_key: value("idempotency_key"), channel: "web" });
  const memory = { submission: made.id, asked, files: {} };
  queue.forEach((one) => { memory.files[keyOf(one)] = ""; });
  remember(memory);
  return memory;
}

async function isReceiving(submission) {
  const answer = await fetch(`/api/v1/submissions/${encodeURIComponent(submission)}`, { credentials: "same-origin", headers: { Accept: "application/json" } });
  return answer.ok && (await answer.json()).state === "receiving";
}

const unfinished = recalled();
if (unfinished) {
  isReceiving(unfinished.submission).then((still) => {
    if (still) form.querySelector("[data-hint]").textContent = words.wordsUnfinished;
    else remember(null);
  }).catch(() => {});
}

window.addEventListener("beforeunload", (event) => {
  if (sending) { event.preventDefault(); event.returnValue = ""; }
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (sending) return;
  if (!queue.length) { complain(words.wordsNone); return; }
  sending = true;
  button.disabled = true;
  barBox.hidden = false;
  started.at = Date.now();
  const value = (name) => form.elements[name].value.trim();
  try {
    // Whoever signed in again in another window goes on here with what she has chosen.
    const who = await fetch("/api/v1/session", { credentials: "same-origin", headers: { Accept: "application/json" } });
    const session = await who.json();
    if (who.status === 401) {
      sending = false;
      button.disabled = false;
      barBox.hidden = true;
      askToSignIn(session.detail);
      return;
    }
    if (!who.ok) throw new Error(session.detail);
    words.csrf = session.csrf_token;
    started.resumed = 0;
    const memory = await opened(value);
    form.dataset.submission = memory.submission;
    // One after the other keeps the order in which they were chosen.
    for (const one of queue) if (!one.done) await send(one, memory.submission, memory);
    await giveUpOthers(memory);
    await json("POST", `/api/v1/submissions/${memory.submission}/complete`, {});
    remember(null);
    sending = false;
    window.location.assign(`/submissions/${form.dataset.submission}`);
  } catch (error) {
    sending = false;
    button.disabled = false;
    if (error.field) {
      barBox.hidden = true;
      complainOf(error.field, error.message);
    } else {
      complain(error.message);
    }
  }
});
