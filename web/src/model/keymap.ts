/** What a key asks of the chart or the page. */
export type Command =
  | { readonly kind: "panBars"; readonly bars: number }
  | { readonly kind: "panScreens"; readonly screens: number }
  | { readonly kind: "panRows"; readonly rows: number }
  | { readonly kind: "zoom"; readonly factor: number }
  | { readonly kind: "zoomPrice"; readonly factor: number }
  | { readonly kind: PlainKind }
  | { readonly kind: "step"; readonly direction: 1 | -1 }
  | { readonly kind: "mode"; readonly number: number }
  | { readonly kind: "cursor"; readonly bars: number; readonly rows: number }
  | { readonly kind: "type"; readonly text: string };

/** Commands that need nothing but their name. */
export type PlainKind =
  | "oldest"
  | "latest"
  | "autoScale"
  | "search"
  | "keys"
  | "cancel"
  | "table"
  | "trades"
  | "maximise"
  | "ruler"
  | "picture"
  | "copyPicture"
  | "layouts";

/** The part of a KeyboardEvent that is looked at. */
export interface Key {
  readonly key: string;
  readonly code: string;
  readonly ctrl: boolean;
  readonly alt: boolean;
  readonly shift: boolean;
}

/** One row of the key map that `?` shows. */
export interface KeyHelp {
  readonly keys: string;
  readonly action: string;
}

export const keyHelp: readonly KeyHelp[] = [
  { keys: "wheel", action: "zoom time about the cursor" },
  { keys: "Ctrl + wheel, wheel on the price axis", action: "zoom price" },
  { keys: "Shift + wheel, sideways swipe", action: "pan time" },
  { keys: "drag the pane, an axis", action: "pan, scale that axis" },
  {
    keys: "double click price axis, time axis, pane",
    action: "auto-scale, latest bar at default width, maximise (Alt + M)",
  },
  { keys: "Shift + drag, Alt + R", action: "ruler: ticks, %, time, volume, delta" },
  { keys: "click a cell, Ctrl + Enter", action: "its trades and their sum" },
  { keys: "← → ↑ ↓", action: "one bar, one row" },
  { keys: "Ctrl + ← →", action: "half a screen" },
  { keys: "+ −", action: "zoom time" },
  { keys: "Ctrl + ↑ ↓", action: "zoom price" },
  { keys: "Home, End", action: "oldest, latest" },
  { keys: "A", action: "auto-scale: fit, centre last, manual" },
  { keys: "[ ]", action: "finer, coarser study step" },
  { keys: "Alt + 1 to 6", action: "cells: bid × ask, delta, volume, trades, profile, imbalance" },
  { keys: "Alt + arrows", action: "move the read-out from cell to cell" },
  { keys: "Enter", action: "data table of the bar under the cursor" },
  { keys: "digits, $", action: "interval box: 5, 15s, 1h, 500t, 100v, $1M" },
  { keys: "letters, / or Ctrl + K", action: "symbols, commands, bars (r20)" },
  { keys: "Alt + S, Ctrl + Shift + S", action: "picture to a file, to the clipboard" },
  { keys: "Alt + L", action: "layouts: save, open, export, import" },
  { keys: "?", action: "this list" },
  { keys: "Esc", action: "close, cancel" },
  { keys: "one finger, pinch, long press", action: "pan, zoom, crosshair" },
];

const arrows: Readonly<Record<string, readonly [bars: number, rows: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
};

function arrowCommand(bars: number, rows: number, key: Key): Command | null {
  if (key.shift) return null;
  if (key.alt) return { kind: "cursor", bars, rows };
  if (key.ctrl)
    return bars !== 0
      ? { kind: "panScreens", screens: bars / 2 }
      : { kind: "zoomPrice", factor: rows > 0 ? 1.15 : 1 / 1.15 };
  return bars !== 0 ? { kind: "panBars", bars } : { kind: "panRows", rows };
}

const plain: Readonly<Record<string, Command>> = {
  "+": { kind: "zoom", factor: 1.25 },
  "=": { kind: "zoom", factor: 1.25 },
  "-": { kind: "zoom", factor: 0.8 },
  Home: { kind: "oldest" },
  End: { kind: "latest" },
  a: { kind: "autoScale" },
  A: { kind: "autoScale" },
  "[": { kind: "step", direction: -1 },
  "]": { kind: "step", direction: 1 },
  "/": { kind: "search" },
  "?": { kind: "keys" },
  Escape: { kind: "cancel" },
  Enter: { kind: "table" },
};

// By the key's place and not by its letter: with Alt held some systems make another one of it.
const altCodes: Readonly<Record<string, Command>> = {
  KeyR: { kind: "ruler" },
  KeyS: { kind: "picture" },
  KeyL: { kind: "layouts" },
  KeyM: { kind: "maximise" },
};

function altCommand(key: Key): Command | null {
  if (key.ctrl || key.shift) return null;
  const digit = /^Digit([1-6])$/.exec(key.code)?.[1];
  return digit === undefined ? (altCodes[key.code] ?? null) : { kind: "mode", number: Number(digit) };
}

function ctrlCommand(key: Key): Command | null {
  const letter = key.key.toLowerCase();
  if (letter === "k" && !key.shift) return { kind: "search" };
  if (letter === "enter") return { kind: "trades" };
  return letter === "s" && key.shift ? { kind: "copyPicture" } : null;
}

/** The command of a key press, or null where the page leaves it to the browser. */
export function commandOf(key: Key): Command | null {
  const arrow = arrows[key.key];
  if (arrow !== undefined) return arrowCommand(arrow[0], arrow[1], key);
  if (key.alt) return altCommand(key);
  if (key.ctrl) return ctrlCommand(key);
  const known = plain[key.key];
  if (known !== undefined) return known;
  return /^[\p{L}\p{N}$]$/u.test(key.key) ? { kind: "type", text: key.key } : null;
}
