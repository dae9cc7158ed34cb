/** One challenge of a WWW-Authenticate header (RFC 9110, 11.6.1). */
export interface Challenge {
  /** Lower case: "bearer", "basic". */
  scheme: string;
  /** Names in lower case: "realm", "service", "scope". */
  parameters: Readonly<Record<string, string>>;
}

/** A scheme, or a parameter: token, "=", token or quoted text. */
const piece = /([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?[\s,]*/gy;

/** Takes a WWW-Authenticate header apart; several challenges may stand in one. */
export function parseChallenges(text: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  for (const [, name = '', quoted, plain] of text.trim().matchAll(piece)) {
    const value = quoted?.replace(/\\(.)/g, '$1') ?? plain;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: {} });
    else Object.assign(challenges.at(-1)?.parameters ?? {}, { [name.toLowerCase()]: value });
  }
  return challenges;
}

/** The challenge that is answered: a bearer token before a password. */
export function chooseChallenge(text: string | undefined): Challenge | undefined {
  const challenges = parseChallenges(text ?? '');
  return (
    challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm) ??
    challenges.find(({ scheme }) => scheme === 'basic')
  );
}
