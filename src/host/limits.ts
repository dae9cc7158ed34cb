// What foreign input may be, and how long things may take. What goes past a limit is refused where it
// is read, with one sentence; a reader or a wait that needs another limit gets a line here.

/** The most that is read, in bytes, levels or entries as the name says. */
export const limits = {
  /** Bytes of a JSON document that is read whole: descriptions of images, manifests, configs. */
  document: 16 << 20,
  /** Bytes of all documents of one archive that are held until its manifest says which count. */
  documentsOfArchive: 32 << 20,
  /** Levels of lists and objects within each other in JSON. */
  jsonDepth: 100,
  /** Values, and names of fields, in one JSON document. */
  jsonValues: 1_000_000,
  /** Bytes of a file that hold what its kind is told by; wrapper scripts are smaller. */
  telltale: 256 << 10,
  /** Bytes of the header that a tar extends an entry with: names of any system fit. */
  tarExtension: 1 << 20,
  /** Bytes of a name or a link's target in an archive of an image; Linux allows as many. */
  archiveName: 4096,
  /** Members of an archive of an image: a few for each layer. */
  archiveMembers: 20_000,
  /** Links that lead to each other before a file comes; Linux follows as many. */
  links: 40,
  /** Bytes of a file in a tar, or of a blob: 16 TiB. */
  file: 2 ** 44,
  /** Layers of an image that another tool made; engines run far fewer. */
  sourceLayers: 1000,
  /** Indexes within each other before a manifest comes. */
  nestedIndexes: 4,
  /** Characters of a regular expression in a description. */
  expression: 4096,
  /** Folders within each other in the tree of a root output. */
  treeDepth: 500,
  /** Bytes that compressed data may become whatever its size … */
  unpacked: 16 * 2 ** 30,
  /** … and beyond them bytes for each compressed one: gzip cannot reach it. */
  unpackedRatio: 1100,
} as const;

/** How long is waited at most, in milliseconds. */
export const patience = {
  /** For another run of this program that holds a lock. */
  lock: 60_000,
} as const;
