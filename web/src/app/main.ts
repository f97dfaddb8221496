import "./app.css";
import { mount } from "svelte";
import { Door } from "../data/access";
import { Hub, type Socket } from "../data/hub";
import { Rest } from "../data/rest";
import { systemClock } from "../data/store";
import { commandOf } from "../model/keymap";
import type { SystemLook } from "../model/settings";
import App from "./App.svelte";
import { goIn, leaveIfUnknown } from "./access";
import { addressOf, readAddress } from "./address";
import { exposeDebugFace } from "./debug";
import { rememberPlace, restorePlace } from "./page-place";
import { pageStorage, tabStorage } from "./prefs";
import { Terminal } from "./terminal";

const retryMs = 1500;
const lookEveryMs = 1000;

function socketUrl(): string {
  const url = new URL("ws/v1", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.hash = "";
  url.search = "";
  return url.href;
}

const lookQueries = ["(prefers-color-scheme: light)", "(prefers-contrast: more)"] as const;

function systemLook(): SystemLook {
  const [isLight, isStrong] = lookQueries.map((query) => window.matchMedia(query).matches);
  return { isLight: isLight === true, isStrong: isStrong === true };
}

function chartElement(): HTMLElement {
  const root = document.createElement("div");
  root.className = "chart";
  root.tabIndex = 0;
  root.setAttribute("role", "application");
  root.setAttribute("aria-label", "Footprint chart");
  root.setAttribute("aria-roledescription", "chart");
  return root;
}

const scrolling: readonly string[] = ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End"];

// What is typed into a field stays there; a focused button keeps Enter and the space bar, a table the keys that scroll it.
function listensItself({ target, key, altKey, ctrlKey }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest("input, textarea, select, [contenteditable], [role=dialog], [role=listbox]") !== null) return true;
  if (target.role === "region" && !altKey && !ctrlKey && scrolling.includes(key)) return true;
  return target.closest("button") !== null && (key === "Enter" || key === " ");
}

function listenToKeys(terminal: Terminal): void {
  window.addEventListener("keydown", (event) => {
    if (event.isComposing || listensItself(event)) return;
    const ctrl = event.ctrlKey || event.metaKey;
    const { key, code, altKey, shiftKey } = event;
    const command = commandOf({ key, code, ctrl, alt: altKey, shift: shiftKey });
    if (command === null) return;
    event.preventDefault();
    terminal.run(command);
  });
}

// The instruments say which chart to open where the address does not; a server that is starting is asked again.
async function openFirst(terminal: Terminal, rest: Rest): Promise<void> {
  const asked = readAddress(location.search, location.hash);
  const bars = asked.bars ?? "1m";
  if (asked.symbol !== null) terminal.openAsked({ symbol: asked.symbol, bars, step: asked.step });
  for (;;) {
    try {
      const [instruments, feeds] = [await rest.instruments(), await rest.feeds()];
      terminal.instruments.set(instruments);
      const first = feeds[0]?.symbol ?? (instruments.find((one) => one.live) ?? instruments[0])?.key;
      if (asked.symbol === null && first !== undefined) {
        terminal.openAsked({ symbol: first, bars, step: asked.step });
      }
      terminal.isEmpty.set(first === undefined && asked.symbol === null);
      return;
    } catch {
      await new Promise((resume) => setTimeout(resume, retryMs));
    }
  }
}

// A socket that never opens may have been refused: the server then says whether it still knows this browser.
function socketThrough(door: Door): Socket {
  const socket = new WebSocket(socketUrl());
  const refused = (): void => void leaveIfUnknown(door);
  socket.addEventListener("close", refused);
  socket.addEventListener("open", () => socket.removeEventListener("close", refused));
  return socket as Socket;
}

function stayConnected(hub: Hub, rest: Rest): void {
  hub.onDead(() => rest.abandon());
  window.addEventListener("online", () => {
    hub.retryNow();
    hub.probe();
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && hub.probe());
  setInterval(() => hub.look(), lookEveryMs);
  hub.connect();
}

function start(door: Door): void {
  const rest = new Rest(new URL("api/v1/", document.baseURI).href);
  const hub = new Hub(() => socketThrough(door));
  const root = chartElement();
  const terminal = new Terminal({
    root,
    hub,
    rest,
    clock: systemClock,
    storage: pageStorage(),
    look: systemLook(),
    clocks: { wall: () => Date.now(), now: () => systemClock.now() },
    addressed: (symbol, bars, step) => history.replaceState(null, "", addressOf(symbol, bars, step)),
  });
  mount(App, { target: document.getElementById("app") as HTMLElement, props: { terminal, root } });
  listenToKeys(terminal);
  for (const query of lookQueries) {
    window.matchMedia(query).addEventListener("change", () => terminal.look.systemChanged(systemLook()));
  }
  exposeDebugFace(terminal);
  restorePlace(terminal, tabStorage(), readAddress(location.search, location.hash).symbol);
  rememberPlace(terminal, tabStorage());
  const seen = (): void => terminal.hide(document.visibilityState === "hidden");
  document.addEventListener("visibilitychange", seen);
  seen();
  stayConnected(hub, rest);
  void openFirst(terminal, rest);
}

const door = new Door(new URL("api/v1/session", document.baseURI).href);
void goIn(door, document.getElementById("app") as HTMLElement).then(() => start(door));
