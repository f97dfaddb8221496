import { getContext, setContext } from "svelte";
import type { TerminalFace } from "./face";

const key = Symbol("terminal");

/** Hand the terminal to all panels below. */
export function provideTerminal(terminal: TerminalFace): void {
  setContext(key, terminal);
}

export function useTerminal(): TerminalFace {
  return getContext<TerminalFace>(key);
}
