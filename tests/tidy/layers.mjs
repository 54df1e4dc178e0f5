/**
 * Who may include whom: ARCHITECTURE.md, "Parts", as a table. No arrow upward.
 *
 * A layer owns the files whose path starts with one of `owns`, unless a longer start belongs to
 * another layer. It may include itself, the layers of `may`, and the libraries of `libraries`.
 */

/**
 * @typedef {object} Layer
 * @property {string} name
 * @property {string[]} owns
 * @property {string[]} may
 * @property {string[]} libraries
 * @property {'no clock' | 'time as argument'} [pure] Neither it nor what it reaches may touch the
 *   world; see purity() in includes.mjs.
 */

/** @type {Layer[]} */
export const layers = [
  {
    name: 'shared/base',
    owns: ['shared/include/netcompute/', 'shared/src/'],
    may: [],
    libraries: ['std', 'openssl'],
  },
  {
    name: 'shared/kernels',
    owns: [
      'shared/include/netcompute/kernels/',
      'shared/include/netcompute/math.hpp',
      'shared/src/kernels/',
    ],
    may: ['shared/base'],
    libraries: ['std', 'highway', 'wasm'],
    pure: 'no clock',
  },
  {
    name: 'shared/programs',
    owns: ['shared/include/netcompute/programs/', 'shared/src/programs/'],
    may: ['shared/base', 'shared/kernels'],
    libraries: ['std'],
    pure: 'no clock',
  },
  {
    name: 'shared/protocol',
    owns: ['shared/include/netcompute/protocol/', 'shared/src/protocol/'],
    may: ['shared/base'],
    libraries: ['std', 'json'],
  },
  {
    // What native workers, tabs and `--local-slots` share.
    name: 'shared/worker',
    owns: ['shared/include/netcompute/worker/', 'shared/src/worker/'],
    may: ['shared/base', 'shared/protocol'],
    libraries: ['std'],
    pure: 'time as argument',
  },
  {
    name: 'shared/ip',
    owns: ['shared/include/netcompute/ip_network.hpp', 'shared/src/ip/'],
    may: [],
    libraries: ['std', 'posix'],
  },
  {
    name: 'shared/config',
    owns: [
      'shared/include/netcompute/config.hpp',
      'shared/include/netcompute/config_changes.hpp',
      'shared/include/netcompute/json_file.hpp',
      'shared/src/config/',
    ],
    may: ['shared/base', 'shared/ip'],
    libraries: ['std', 'json'],
  },
  {
    // spdlog is set up here, for both programs.
    name: 'shared/logging',
    owns: [
      'shared/include/netcompute/audit_log.hpp',
      'shared/include/netcompute/log_budget.hpp',
      'shared/include/netcompute/log_options.hpp',
      'shared/include/netcompute/logging.hpp',
      'shared/src/logging/',
    ],
    may: ['shared/base'],
    libraries: ['std', 'posix', 'json', 'logs', 'cli'],
  },
  {
    name: 'master/core',
    owns: ['master/core/'],
    may: ['shared/base'],
    libraries: ['std'],
    pure: 'time as argument',
  },
  {
    name: 'master/data',
    owns: ['master/data/'],
    may: ['shared/base', 'shared/config'],
    libraries: ['std', 'posix', 'openssl', 'archives'],
  },
  {
    name: 'master/params',
    owns: ['master/params/'],
    may: ['shared/base', 'master/data'],
    libraries: ['std', 'json'],
  },
  {
    name: 'master/learning',
    owns: ['master/learning/'],
    may: [
      'shared/base',
      'shared/kernels',
      'shared/programs',
      'shared/config',
      'master/data',
      'master/params',
    ],
    libraries: ['std', 'json'],
  },
  {
    name: 'master/store',
    owns: ['master/store/'],
    may: ['shared/base', 'shared/programs'],
    libraries: ['std', 'posix', 'json', 'sqlite'],
  },
  {
    name: 'master/jobs',
    owns: ['master/jobs/'],
    may: [
      'shared/base',
      'shared/programs',
      'master/data',
      'master/learning',
      'master/params',
      'master/store',
    ],
    libraries: ['std', 'json'],
  },
  {
    name: 'master/net',
    owns: ['master/net/'],
    may: ['shared/base', 'shared/protocol'],
    libraries: ['std', 'posix', 'boost'],
  },
  {
    name: 'master/net/http',
    owns: ['master/net/http/'],
    may: ['shared/base', 'shared/ip', 'shared/protocol', 'shared/logging', 'master/net'],
    libraries: ['std', 'posix', 'json', 'boost', 'logs'],
  },
  {
    name: 'master/net/zmtp',
    owns: ['master/net/zmtp/'],
    may: ['shared/base', 'shared/protocol', 'shared/logging', 'master/net'],
    libraries: ['std', 'posix', 'boost', 'logs'],
  },
  {
    // Knows nothing of jobs: from bytes to bytes.
    name: 'master/usercode',
    owns: ['master/usercode/'],
    may: ['shared/base', 'master/data'],
    libraries: ['std'],
    pure: 'no clock',
  },
  {
    name: 'master/api',
    owns: ['master/api/'],
    may: ['shared/base', 'shared/logging', 'master/data', 'master/net/http'],
    libraries: ['std', 'json', 'boost', 'openssl'],
  },
  {
    // Through their interfaces: no transport of its own choice.
    name: 'master/engine',
    owns: ['master/engine/'],
    may: [
      'shared/base',
      'shared/programs',
      'shared/protocol',
      'shared/logging',
      'master/core',
      'master/store',
      'master/jobs',
      'master/net',
      'master/api',
    ],
    libraries: ['std', 'json', 'openssl', 'logs'],
  },
  {
    name: 'master/server',
    owns: ['master/server/', 'master/main.cpp'],
    may: [
      'shared/base',
      'shared/kernels',
      'shared/programs',
      'shared/logging',
      'shared/config',
      'master/data',
      'master/learning',
      'master/store',
      'master/jobs',
      'master/net',
      'master/net/http',
      'master/net/zmtp',
      'master/api',
      'master/engine',
      'shared/worker',
      'native-worker/executor',
    ],
    libraries: ['std', 'posix', 'boost', 'logs', 'cli'],
  },
  {
    // The threads that compute and what tells of the PC, for the master's own process as well.
    name: 'native-worker/executor',
    owns: [
      'native-worker/blob_cache',
      'native-worker/executor',
      'native-worker/leased_run',
      'native-worker/shared_memo',
      'native-worker/system_load',
    ],
    may: ['shared/base', 'shared/kernels', 'shared/protocol', 'shared/worker'],
    libraries: ['std', 'posix'],
  },
  {
    name: 'native-worker',
    owns: ['native-worker/'],
    may: [
      'shared/base',
      'shared/kernels',
      'shared/protocol',
      'shared/logging',
      'shared/config',
      'shared/worker',
      'native-worker/executor',
    ],
    libraries: ['std', 'posix', 'json', 'boost', 'zmq', 'logs', 'cli'],
  },
  {
    name: 'wasm-worker',
    owns: ['wasm-worker/'],
    may: ['shared/base', 'shared/kernels', 'shared/protocol', 'shared/worker'],
    libraries: ['std', 'json', 'emscripten'],
  },
];

/** Folders whose C++ is no part of the product: it includes what it likes, nobody includes it. */
export const outsideTheProduct = ['tests/', 'bench/', 'cmake/'];

/**
 * The libraries by how their headers' names start; the first that matches.
 * @type {[string, RegExp][]}
 */
const libraries = [
  ['boost', /^boost\//],
  ['json', /^nlohmann\//],
  ['eigen', /^Eigen\//],
  ['highway', /^hwy\//],
  ['wasm', /^wasm_simd128\.h$/],
  ['emscripten', /^emscripten(\/|\.h$)/],
  ['openssl', /^openssl\//],
  ['sqlite', /^sqlite3\.h$/],
  ['archives', /^(zlib|zstd)\.h$/],
  ['logs', /^(spdlog|fmt)\//],
  ['cli', /^CLI\//],
  ['zmq', /^zmq\.hp*$/],
  ['posix', /^(sys|arpa|net|netinet|linux)\/\w+\.h$/],
  ['posix', /^(dirent|fcntl|ifaddrs|malloc|netdb|poll|pwd|sched|unistd)\.h$/],
  ['std', /^[a-z_0-9]+$/],
];

/**
 * @param {string} header as between < and >
 * @returns {string | undefined} the library's name in the table
 */
export function libraryOf(header) {
  return libraries.find(([, pattern]) => pattern.test(header))?.[0];
}

/**
 * @param {string} path
 * @returns {Layer | undefined}
 */
export function layerOf(path) {
  let found;
  let longest = -1;
  for (const layer of layers) {
    for (const start of layer.owns) {
      if (path.startsWith(start) && start.length > longest) {
        found = layer;
        longest = start.length;
      }
    }
  }
  return found;
}
