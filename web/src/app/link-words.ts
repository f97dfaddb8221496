import type { Hub, LinkState } from "../data/hub";
import { Store } from "../data/store";
import type { LinkView } from "../panels/face";

const silentAfterMs = 8000;
const lookEveryMs = 1000;

/** Says in words how the connection is, and goes on saying it while nothing comes. */
export class LinkWords {
  readonly store = new Store<LinkView>({ phase: "connecting", text: "connecting" });
  readonly #hub: Hub;
  readonly #now: () => number;
  #retryAtMs = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(hub: Hub, now: () => number) {
    this.#hub = hub;
    this.#now = now;
    hub.state.subscribe((state) => this.#changed(state));
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
  }

  destroy(): void {
    clearInterval(this.#timer);
  }

  #changed(state: LinkState): void {
    if (state.phase === "lost") this.#retryAtMs = this.#now() + state.retryInMs;
    this.#look();
  }

  #look(): void {
    const next = this.#words(this.#hub.state.get());
    const shown = this.store.get();
    if (next.phase !== shown.phase || next.text !== shown.text) this.store.set(next);
  }

  #words(state: LinkState): LinkView {
    if (state.phase === "connecting") {
      return { phase: "connecting", text: state.attempt === 0 ? "connecting" : `connecting, attempt ${state.attempt}` };
    }
    if (state.phase === "lost") {
      const seconds = Math.max(0, Math.ceil((this.#retryAtMs - this.#now()) / 1000));
      return { phase: "lost", text: `connection lost, retrying in ${seconds} s (attempt ${state.attempt})` };
    }
    const silentMs = this.#now() - this.#hub.lastMessageMs;
    if (silentMs < silentAfterMs) return { phase: "live", text: "live" };
    return { phase: "silent", text: `no message for ${Math.round(silentMs / 1000)} s` };
  }
}
