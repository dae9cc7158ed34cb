// What foreign input may be, how long things may take, how often they are tried, and how many go on at
// once. What goes past a limit is refused where it is read, with one sentence; a reader or a wait that
// needs another limit gets a line here.

/** The most that is read, in bytes, levels or entries as the name says. */
export const limits = {
  /** Bytes of a nix.conf, or of a file that it includes. */
  confFile: 2 ** 20,
  /** Files that include each other, one below the other. */
  confIncludes: 16,
  /** Bytes of a netrc file; it has a line or three for each machine. */
  netrcFile: 2 ** 20,
  /** Bytes of a binary cache's /nix-cache-info, which has three short lines, or of a narinfo. */
  cacheAnswer: 64 * 2 ** 10,
  /** What is printed of texts of others, in characters, lines and (of a job's summary) bytes. */
  printed: { text: 4 * 1024 ** 2, line: 8192, lines: 20_000, document: 1_000_000 },
  /** Characters of a text of others in one sentence; of a longer one its beginning and its end. */
  quoted: 400,
  /** Characters of one output of the action: GitHub takes 1 MiB of a job's outputs in all. */
  output: 500_000,
  /** Lines of what a program said that are shown where it failed. */
  evidence: 10,
  /** What is kept of a log for the case of a failure: of one builder lines, and characters of each … */
  logLines: 30,
  logLine: 2_000,
  /** … and messages of Nix. */
  nixMessages: 200,
  /** Bytes of an event's payload; GitHub sends 25 MB at most. */
  eventPayload: 32 * 1024 ** 2,
  /** Characters of a comment that is written: GitHub takes 65,536. Of one that is read, bytes of rows. */
  comment: 60_000,
  /** Characters of a text in a row of a comment, and entries of a list in it. */
  commentText: 300,
  commentList: 8,
  /** Bytes of what `main` leaves for `post`. */
  afterState: 16 * 1024 ** 2,
  /**
   * Bytes of a document that is read whole: descriptions of images, manifests, configs; wheels.toml,
   * a lock, a record.
   */
  document: 16 << 20,
  /** Bytes of all documents of one archive that are held until its manifest says which count. */
  documentsOfArchive: 32 << 20,
  /** Inputs of a flake that a record names. */
  lockedInputs: 200,
  /** Bytes of a run's record as it is stored. */
  recordPacked: 4 << 20,
  /** Levels of lists and objects within each other in JSON. */
  jsonDepth: 100,
  /** Values, and names of fields, in one JSON document. */
  jsonValues: 1_000_000,
  /** Bytes of a file that hold what its kind is told by; wrapper scripts are smaller. */
  telltale: 256 << 10,
  /** Bytes of the header that a tar extends an entry with: names of any system fit. */
  tarExtension: 1 << 20,
  /** Such headers of one entry: its own, a global one, long names, and room. */
  tarExtensions: 16,
  /** Bytes of a name or a link's target in an archive of an image; Linux allows as many. */
  archiveName: 4096,
  /** Members of an archive of an image: a few for each layer. */
  archiveMembers: 5000,
  /** Links that lead to each other before a file comes; Linux follows as many. */
  links: 40,
  /** Bytes of a file in a tar, or of a blob: 16 TiB. */
  file: 2 ** 44,
  /** Layers of an image that Docker takes. */
  imageLayers: 125,
  /** Targets of a recipe's layer, its folders, and what each of them is merged from. */
  recipeList: 1000,
  /** Characters of a value that a recipe adds to a workflow's matrix. */
  matrixText: 1000,
  /** Jobs that GitHub makes of one matrix. */
  matrixJobs: 256,
  /** A user's or group's number: the one above it means "none". */
  owner: 2 ** 32 - 2,
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
  /** Layers of a manifest in a registry; that of a memory lists those of many images. */
  manifestLayers: 10_000,
  /** Manifests that one index lists. */
  indexEntries: 1000,
  /** Manifests that an image leads to: those of its index, and those that refer to them. */
  copiedManifests: 5000,
  /** Redirects of one request. */
  redirects: 10,
  /** Bytes of an answer that is read whole: manifests have up to 4 MiB. */
  answer: 8 << 20,
  /** Bytes of a page of an index, or of what GitHub says of a release, packed or not; large ones have 10 MB. */
  indexPage: 32 << 20,
  /** Bytes in a second, on average, below which an answer's body is given up. */
  slowestBody: 1024,
  /** Bytes that a transfer must get on by for its next failure to count as its first. */
  progress: 64 << 10,
  /** Bytes of a chunk that a registry may ask for; each of them is held in memory. */
  chunk: 64 << 20,
  /** Bytes of a chunk where a registry wants them: Amazon's takes parts of 5 to 10 MiB, at most 4,200 … */
  wantedChunk: 10 << 20,
  /** … and where it, or a proxy before it, does not take a stream: they are halved down to the least. */
  triedChunk: 4 << 20,
  leastChunk: 512 << 10,
  /** Bytes of a blob that is held in memory and goes with the request that ends its upload. */
  wholeBlob: 256 << 10,
  /** Bytes that are gathered before they are written: some registries fail on many tiny writes. */
  leastWrite: 64 << 10,
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
  /** Bytes of the document as it is stored: what is read, and what is written at most. */
  memoryPacked: 32 << 20,
  memoryWritten: 20_000_000,
  /** Images in a memory, and of each the outputs, blobs and roots; written are 20 with some hundred. */
  memoryImages: 50,
  memoryEntries: 5000,
  /** Rows of a memory's tables, and of that of store paths. */
  memoryRows: 25_000,
  memoryPaths: 1_000_000,
  /** Characters of a text in a memory, such as the labels of an image. */
  memoryText: 64 << 10,
  /** References that are followed to compare closures with layers: a second or two. */
  memoryWork: 50_000_000,
  /** Memories of other variants that a variant learns from. */
  variantMemories: 8,
  /** Pages of a list of tags, or of what refers to a manifest, that are read. */
  listPages: 20,
  /** Bytes of a layer of links, packed and unpacked, that is read back to compare links with it. */
  rootLayer: 32 << 20,
  rootLayerUnpacked: 256 << 20,
  /** Variants of one wheels.toml; each is a set of wheels. */
  variants: 500,
  /** Characters of a PEP 440 version or range, or of one requirement of a wheel. */
  requirement: 1_000,
  /** Lines `Requires-Dist` of one wheel. */
  requirements: 10_000,
  /** Characters of a file's name: what file systems take. */
  fileName: 255,
  /** Entries of a wheel; the largest have some twenty thousand. */
  wheelEntries: 200_000,
  /** Files on one page of a package index; PyPI's largest projects have some ten thousand. */
  indexFiles: 200_000,
  /** Levels of elements that an index page may have, and attributes of one of them. */
  htmlDepth: 256,
  htmlAttributes: 100,
  /** Names that are looked through for the nearest one, and characters of each that count. */
  nearestNames: 2_000,
  nearestLength: 120,
  /** Names of keys in one narinfo that are told to people. */
  signatures: 10,
  /** Characters of what Nix says that are searched for what this program knows. */
  message: 64 * 1024,
  /** Of what was said where something failed, messages and lines of each that are looked through for why. */
  causeMessages: 50,
  causeLines: 500,
  /** Levels of lists in an attribute of a derivation. */
  attributeDepth: 16,
  /** Bytes of a file that an audit reads as a script or a list of requirements. */
  auditedText: 256 << 10,
  /** Bytes of a derivation; those of whole systems have some hundred kilobytes. */
  derivation: 64 * 2 ** 20,
} as const;

/** How long is waited at most, in milliseconds. */
export const patience = {
  /** For another run of this program that holds a lock. */
  lock: 60_000,
  /** For a process that is left behind to get the lock that it is to hold. */
  keeper: 5_000,
  /** Between two sentences about what is being waited for, and two lines of a log: a sign of life. */
  silence: 30_000,
  /** For a builder to say a line, until people are warned. */
  quietBuild: 300_000,
  /** For a program that was told to end, and for one that was killed. */
  afterTerm: 5_000,
  afterKill: 1_000,
  /** For a question to Nix's store or settings; substituters may be part of the answer. */
  nixQuery: 600_000,
  /** For Nix's daemon to answer, which may be just being restarted. */
  daemonRestart: 3_000,
  /** For a small program of the machine that answers by itself: unshare, ssh -G, a version. */
  program: 60_000,
  /** For Nix to find out what it would fetch; without the answer less is known of the disk. */
  dryRun: 120_000,
  /** For one step as root, apt among them, which fetches. */
  asRoot: 600_000,
  aptGet: 1_800_000,
  /** For the unpacking of Nix, and for another run that installs it into the same store. */
  unpack: 600_000,
  /** For the server of Nix's releases to answer at all, asked twice. */
  releaseServer: 4_000,
  /** For evaluation, without a sign of life: it may build what it imports. */
  evaluation: 3_600_000,
  /** For a registry to tell whether it has the image of a commit, before that is built. */
  knownCommit: 10_000,
  /** For a credential helper, which may ask a server. */
  credentialHelper: 30_000,
  /**
   * For a server: to be connected to; while bytes of a body are under way and none moves; and to answer
   * an ordinary request.
   */
  http: { connect: 30_000, stall: 60_000, answer: 60_000 },
  /** The same for an index or GitHub: a few seconds where nobody answers at all, all tries included. */
  index: { connect: 3_000, stall: 30_000, answer: 5_000 },
  /** The same for GitHub, asked for comments at the end of a run. */
  github: { connect: 5_000, stall: 15_000, answer: 15_000 },
  /** For a program that writes an image to write something more of it. */
  imageProgram: 600_000,
  /** For a cache, or a service that knows caches, to answer a small question. */
  cacheAnswer: 5_000,
  /** For GitHub's cache to give or take one entry. */
  githubCache: 1_800_000,
  /** For a part (128 MB) of what GitHub's cache gives. */
  cacheSegment: 120_000,
  /** For uv to choose versions: an index with a slow link gives hundreds of pages. */
  resolver: 900_000,
  /** For `nix build nixpkgs#uv`, which fetches nixpkgs. */
  resolverProgram: 900_000,
  /** For a Git server to tell its references. */
  gitReferences: 20_000,
  /** For a registry to take note that an upload is given up. */
  uploadCancel: 3_000,
  /** For git and its server to give a source. */
  gitFetch: 1_800_000,
  /** For Docker to remove what nothing uses. */
  dockerPrune: 600_000,
  /** For `nix build nixpkgs#cachix`, which fetches nixpkgs. */
  cachixProgram: 900_000,
  /** For Cachix's daemon to listen, to take paths that it uploads later, and to end. */
  cachixStart: 60_000,
  cachixTake: 60_000,
  /** Without a sign of life: for Cachix to upload one path, and for `nix copy`. */
  cachixUpload: 1_800_000,
  nixCopy: 1_800_000,
  /** For all substituters together, which are asked at the same time whether they answer. */
  substituters: 5_000,
  /** For a registry to hash what it was sent, which it does before it answers: minutes for a large blob. */
  hashing: 1_800_000,
  /** Until a download that was left is removed: nobody comes back for it. */
  forDownload: 24 * 3600 * 1000,
  /** For a program that opens the other end of a pipe. */
  reader: 60_000,
} as const;

/** How often something is tried, and how long is waited in between, in milliseconds. */
export const retries = {
  /**
   * Requests: tries in a row that may fail; about how long the first wait is, each following one being
   * twice as long; and the longest. Eight tries take about a minute, which a restart of a server or its
   * proxy fits into. `restart`: for how long a server that has answered is waited for while it takes no
   * connections. `longestAsked`: the longest wait that a server may ask for (Retry-After).
   */
  http: {
    attempts: 8,
    baseDelay: 500,
    maxDelay: 30_000,
    restart: 60_000,
    longestAsked: 300_000,
  },
  /** Pages of indexes: what the lock knows stays usable without them. */
  index: { attempts: 2, baseDelay: 300, maxDelay: 1_000, restart: 20_000, longestAsked: 10_000 },
  /** Wheels: a download has more to lose. */
  wheel: { attempts: 5, baseDelay: 300, maxDelay: 1_000, restart: 60_000, longestAsked: 10_000 },
  /** A release of Nix: the distribution may have a Nix too. */
  nixRelease: { attempts: 4, baseDelay: 500, maxDelay: 30_000 },
  /** The longest wait between two tries while a server starts anew. */
  restartDelay: 5_000,
  /** A wait that a server asks for is said from here on. */
  saidDelay: 5_000,
  /** Tries of what a registry has taken, and does not show yet. */
  settling: 5,
  /** The question whether the server of releases answers at all. */
  releaseServer: { attempts: 2, pause: 500 },
  /**
   * Of writing a memory, while others write it too; and the shortest time after which it is looked at
   * again, in ms.
   */
  memory: { attempts: 30, pause: 300 },
  /**
   * Of writing a comment, while other jobs write it too, and of those how many may end in a fault; the
   * shortest and the longest time after which it is looked at again; what GitHub wants after too many writes
   * where it names no time, and the longest that it may ask to be left alone for, in ms.
   */
  comment: {
    attempts: 12,
    faults: 5,
    pause: 2_000,
    longestPause: 10_000,
    usuallyAsked: 60_000,
    longestAsked: 90_000,
  },
  /** Tries where nobody listens or a name is unknown, and of an answer that should not come. */
  littleHope: 3,
  /** Questions to a cache that answers with a fault, in case it is over. */
  cacheFault: 2,
  /** Before each further attempt to push the same to a binary cache, and to Cachix. */
  nixCopy: [2_000, 10_000],
  cachix: [1_000, 5_000],
  /** Paths in a row that fail by themselves before a cache is given up. */
  pushesInARow: 3,
  /** Tries at a lock, or a folder, which another run that clears away may remove at that moment. */
  clearedAway: 5,
} as const;

/** How many things are done side by side at most. */
export const atOnce = {
  /**
   * Blobs that are made and sent: enough to keep the cores busy while another waits for its registry's
   * last answer, few enough to bound memory.
   */
  blobs: 3,
  /** Downloads of wheels: they share one link, and each has a file of some gigabytes. */
  downloads: 3,
  /** Pages of indexes, and METADATA: few enough for a loaded machine to keep up with their connections. */
  pages: 16,
  /** Variants whose versions uv chooses. */
  resolvers: 4,
  /** Paths that are packed for GitHub's cache: small ones of a single frame keep all cores busy, too. */
  nars: 4,
  /** Connections to one server; more requests wait for one. */
  connections: 32,
  /** Connections to a registry that are opened along with the first one. */
  ahead: 11,
} as const;
