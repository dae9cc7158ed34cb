/**
 * What is known of the servers that a run asks, whoever asks them: which have answered, and which want to
 * be left alone.
 */
export interface Servers {
  answered(url: URL): void;
  hasAnswered(url: URL): boolean;
  /**
   * Lets nobody ask a server until the pause has ended; whether that is new, as nobody else waits for it.
   */
  rest(url: URL, pause: Promise<void>): boolean;
  /** Resolves once a server may be asked. Rejects with the signal's reason. */
  ready(url: URL, signal: AbortSignal | undefined): Promise<void>;
}

/**
 * What else may be found out of a server, once a run: gives the same value for the same server in the same
 * run, made when it is first asked for.
 */
export function ofEachServer<Value>(make: () => Value): (servers: Servers, host: string) => Value {
  const runs = new WeakMap<Servers, Map<string, Value>>();
  return (servers, host) => {
    const known = runs.get(servers) ?? new Map<string, Value>();
    runs.set(servers, known);
    const value = known.get(host) ?? make();
    known.set(host, value);
    return value;
  };
}
