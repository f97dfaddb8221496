/** What the server said of a visitor: may use it, has to show a token, showed a wrong one, or could not be asked. */
export interface Entry {
  readonly state: "in" | "asked" | "refused" | "unreachable";
  readonly words: string;
}

interface SessionReply {
  readonly required: boolean;
  readonly authorized: boolean;
}

const heldToken = /^[#?&]*(?:.*[#&])?token=([^&\s]+)/;

/** The token in what a person pastes or an address ends on: a whole link, its fragment, or the bare token. */
export function tokenIn(text: string): string {
  const trimmed = text.trim();
  const found = heldToken.exec(trimmed);
  return found?.[1] === undefined ? trimmed : decodeURIComponent(found[1]);
}

/** A fragment without its token: what else it names stays. */
export function withoutToken(hash: string): string {
  const kept = hash
    .replace(/^#/, "")
    .split("&")
    .filter((part) => part !== "" && !part.startsWith("token="));
  return kept.length === 0 ? "" : `#${kept.join("&")}`;
}

/** Asks the server who may come in; a token travels in a body, never in an address. */
export class Door {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async show(token: string): Promise<Entry> {
    const body = JSON.stringify({ token });
    const headers = { "content-type": "application/json" };
    return this.#ask({ method: "POST", headers, body, credentials: "same-origin" });
  }

  async ask(): Promise<Entry> {
    return this.#ask({ credentials: "same-origin", cache: "no-store" });
  }

  async #ask(options: RequestInit): Promise<Entry> {
    let answer: Response;
    try {
      answer = await fetch(this.#url, options);
    } catch {
      return { state: "unreachable", words: "the server cannot be reached" };
    }
    if (answer.status === 404) return { state: "in", words: "" }; // a server that knows no tokens asks for none
    const said: unknown = await answer.json().catch(() => null);
    if (!answer.ok) return { state: "refused", words: refusal(said, answer.status) };
    const { required, authorized } = said as SessionReply;
    return { state: !required || authorized ? "in" : "asked", words: "" };
  }
}

function refusal(said: unknown, status: number): string {
  const message = (said as { error?: { message?: unknown } } | null)?.error?.message;
  return typeof message === "string" ? message : `the server answered ${status}`;
}

/** Where the page was opened, and how its address is changed without loading it anew. */
export interface Address {
  readonly hash: () => string;
  readonly replaceHash: (hash: string) => void;
}

/** Use up the token that the address holds, if it holds one; else ask whether this browser is known. */
export async function enter(door: Door, address: Address): Promise<Entry> {
  const hash = address.hash();
  if (!/[#&]token=/.test(hash)) return door.ask();
  const entry = await door.show(tokenIn(hash));
  // An unreachable server leaves the link as it is: loading it again tries again.
  if (entry.state !== "unreachable") address.replaceHash(withoutToken(hash));
  return entry;
}
