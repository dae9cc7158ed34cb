// What foreign input may be, and how long things may take. What goes past a limit is refused where it
// is read, with one sentence; a reader or a wait that needs another limit gets a line here.

/** The most that is read, in bytes, levels or entries as the name says. */
export const limits = {
  /** Bytes of a JSON document that is read whole: descriptions of images, manifests, configs. */
  document: 16 << 20,
  /** Levels of lists and objects within each other in JSON. */
  jsonDepth: 100,
  /** Values, and names of fields, in one JSON document. */
  jsonValues: 1_000_000,
  /** Bytes of a file in a tar, or of a blob: 16 TiB. */
  file: 2 ** 44,
  /** Indexes within each other before a manifest comes. */
  nestedIndexes: 4,
  /** Layers of a manifest in a registry; that of a memory lists those of many images. */
  manifestLayers: 10_000,
  /** Manifests that one index lists. */
  indexEntries: 1000,
  /** Redirects of one request. */
  redirects: 10,
  /** Bytes of an answer that is read whole: manifests have up to 4 MiB. */
  answer: 8 << 20,
  /** Bytes in a second, on average, below which an answer's body is given up. */
  slowestBody: 1024,
  /** Bytes that a transfer must get on by for its next failure to count as its first. */
  progress: 64 << 10,
  /** Bytes of a chunk that a registry may ask for; each of them is held in memory. */
  chunk: 64 << 20,
  /** Seconds for which a token is taken to hold, whatever its server says. */
  tokenLifetime: 86_400,
  /** Characters of a token; servers take headers of 8 to 16 KB. */
  token: 32 << 10,
  /** Bytes of a file with logins, and of what a credential helper answers. */
  loginFile: 1 << 20,
  /** Characters of a server's own words that are shown. */
  refusal: 300,
  /** Bytes of a memory's document, and values in it. */
  memory: 64 << 20,
  memoryValues: 20_000_000,
  /** Images in a memory, and of each the outputs, blobs and roots; written are 20 with a few dozen. */
  memoryImages: 50,
  memoryEntries: 500,
  /** Characters of a text in a memory, such as the labels of an image. */
  memoryText: 64 << 10,
  /** Store paths that are looked at to compare closures with each other: a second or two. */
  memoryWork: 300_000_000,
  /** Bytes of a layer of links, packed and unpacked, that is read back to compare links with it. */
  rootLayer: 32 << 20,
  rootLayerUnpacked: 256 << 20,
} as const;

/** How long is waited at most, in milliseconds. */
export const patience = {
  /** For another run of this program that holds a lock. */
  lock: 60_000,
  /** For a registry to hash what it was sent, which it does before it answers: minutes for a large blob. */
  hashing: 1_800_000,
  /** For a registry to hear that an upload is given up. */
  cancel: 3_000,
} as const;
