/**
 * Where words come from: Nix's errors while it builds or fetches, those of an evaluation, and the log of a
 * builder. A log is foreign text: a package's tests print whatever they like there.
 */
export type Stream = 'build' | 'evaluation' | 'log';

/** What a derivation is: a download has an output of a fixed hash, and the network. */
export type DerivationKind = 'download' | 'virtual machine' | 'build';

/** What tells a cause. */
export interface Sign {
  in: readonly Stream[];
  /** Only of derivations of this kind. */
  of?: DerivationKind;
  /**
   * Each is found in a line of the same text. What their groups hold can be named in cause and remedy.
   * None may repeat a repetition, or begin with one that is not bound to the line's beginning.
   */
  lines: readonly RegExp[];
  /** Without this it is a guess, and told as one. What a log says is never sure. */
  sure?: true;
}

/** Texts by the name that stands for them in cause and remedy. */
export type Names = Readonly<Record<string, string>>;

/** What an evaluation was asked for. */
export interface Asked {
  /** The flake's reference, without an attribute. */
  flake: string;
  cwd: string;
  overrideInputs: readonly { input: string; flake: string }[];
}

/** A row of the table: why something failed, and what to do about it. */
export interface Cause {
  title: string;
  signs: readonly Sign[];
  /**
   * A sentence; `<name>` stands for a text of the sign's groups. What stands in `[[ ]]` is left out where a
   * name in it was not found.
   */
  cause: string;
  remedy: string;
  /** Names that are made of those found; undefined: it is not this cause. */
  names?(found: Names, asked: Asked): Names | undefined;
  /** Nix's own text is of no use: a page of another program's usage, for one. */
  hidesText?: true;
}
