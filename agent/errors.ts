/** Every failure that a person can act on. The list is closed; docs/errors.md is generated from it. */

export interface ErrorEntry {
  /** What happened, without a full stop: the place follows in brackets. */
  readonly sentence: string;
  /** What a person can do. */
  readonly remedy: string;
}

export const ERRORS = {
  not_root: {
    sentence: 'this needs root or the capabilities of the agent',
    remedy: 'Run it with sudo.',
  },
  missing_capability: {
    sentence: 'a capability is missing',
    remedy: 'Grant CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; `sidestep check` names those that are missing.',
  },
  no_btf: {
    sentence: 'the kernel does not describe its own types (BTF)',
    remedy: 'Use a kernel built with CONFIG_DEBUG_INFO_BTF=y; the kernels of all current distributions are.',
  },
  no_cgroup2: {
    sentence: 'no cgroup v2 hierarchy is mounted',
    remedy: 'Mount one: mount -t cgroup2 none /sys/fs/cgroup/unified. It may stand beside cgroup v1.',
  },
  bad_cgroup: {
    sentence: 'cgroup.path is no directory of the cgroup v2 hierarchy',
    remedy: 'Set cgroup.path to `auto`, or to a directory of that hierarchy; `grep cgroup2 /proc/mounts` says where it is.',
  },
  no_bpffs: {
    sentence: 'the pin directory is not on a BPF file system',
    remedy: 'Mount one: mount -t bpf bpf /sys/fs/bpf. In a container, mount the one of the host.',
  },
  agent_running: {
    sentence: 'another agent serves this host',
    remedy: 'Stop it first, or give this one its own runDir, bpf.pinPath and cgroup.path.',
  },
  pins_foreign_layout: {
    sentence: 'the pin directory holds maps of another layout',
    remedy: 'Start the version that made them, or take them away with it: `sidestep retire --all --uninstall`.',
  },
  hook_busy: {
    sentence: 'another program owns a hook that Sidestep needs',
    remedy: '`sidestep check` names the owner. Detach it, or keep it and leave its cgroup out with cgroup.path.',
  },
  kernel_refused: {
    sentence: 'the kernel refused a request',
    remedy: 'Run `sidestep check`; it tries each thing that the agent needs and says which one this kernel lacks.',
  },
  self_test_failed: {
    sentence: 'this kernel failed the self-test on throw-away sockets',
    remedy: 'No connection was touched. Set datapath.mode to off, or update the kernel.',
  },
  load_failed: {
    sentence: 'the programs could not be loaded',
    remedy: 'Run `sidestep check`; set log.level to debug for the words of the verifier.',
  },
  port_in_use: {
    sentence: 'the port of the metrics is taken',
    remedy: 'Choose another metrics.port, or 0 for any; the connections of the host are not affected.',
  },
  web_port_in_use: {
    sentence: 'the port of the web view is taken',
    remedy: 'Choose another web.port, or 0 for any; the connections of the host are not affected.',
  },
  socket_in_use: {
    sentence: 'the path of the admin socket is taken by something else',
    remedy: 'Move it away, or choose another runDir.',
  },
  config_invalid: {
    sentence: 'the configuration does not load',
    remedy: 'Correct what is named; `sidestep config validate` checks it without an agent.',
  },
  agent_unreachable: {
    sentence: 'no agent answers',
    remedy: 'Start one with `sidestep agent`, or name its directory with --run-dir.',
  },
  agent_forbidden: {
    sentence: 'the admin socket is not open to this user',
    remedy: 'Use sudo, or join the group that admin.group names.',
  },
  bad_request: {
    sentence: 'the request makes no sense',
    remedy: 'Compare it with `sidestep <command> --help`.',
  },
  not_found: {
    sentence: 'there is no such thing',
    remedy: '`sidestep pairs` lists the pairs; agent/admin/README.md lists the paths of the API.',
  },
  profiles_invalid: {
    sentence: 'the file of profiles is not taken',
    remedy: 'Correct what is named; nothing was changed. `sidestep profiles export` writes a good one.',
  },
  retire_running: {
    sentence: 'pairs are being retired already',
    remedy: 'Wait until it has finished.',
  },
  bus_plaintext: {
    sentence: 'the way to the bus is not encrypted',
    remedy: 'Name the servers as tls://..., give bus.ca, or allow it with bus.plaintext: true.',
  },
  bus_refused: {
    sentence: 'the settings of the bus do not fit together',
    remedy: 'Correct what is named; docs/mesh.md shows settings for a server of your own.',
  },
  bus_server: {
    sentence: 'the embedded nats-server cannot run',
    remedy: 'Install the package nats-server, correct bus.stateDir, or set bus.mode to off or external.',
  },
  mesh_full: {
    sentence: 'there is no room for more services or endpoints',
    remedy: 'Raise mesh.maxServices or mesh.maxEndpoints, and restart.',
  },
  frontdoor_address: {
    sentence: 'a front door cannot listen on its address',
    remedy: 'Choose another address or port in frontdoors, or stop whoever has it; `ss -ltnp` names it. Ports below 1024 need CAP_NET_BIND_SERVICE.',
  },
  frontdoor_process: {
    sentence: 'the process of the front door does not serve',
    remedy: 'The log of the agent has its words. One that ended is started again by itself; one that hangs is ended with `kill -KILL` and its pid.',
  },
  kubernetes_unknown: {
    sentence: 'the way to the API server of Kubernetes is not known',
    remedy: 'In a pod, mount a service account token (the chart does with kubernetes.enabled); elsewhere set kubernetes.apiServer, kubernetes.tokenFile and kubernetes.caFile.',
  },
  internal: {
    sentence: 'something went wrong that should not',
    remedy: 'Report it with the file that `sidestep bugreport` writes, best with log.level debug.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export class SidestepError extends Error {
  override readonly name = 'SidestepError';

  /** `detail` is the place: a path, an address, a process. */
  constructor(
    readonly code: ErrorCode,
    readonly detail = '',
    cause?: unknown,
  ) {
    super(ERRORS[code].sentence + (detail === '' ? '' : ` (${detail})`), cause === undefined ? {} : { cause });
  }

  get remedy(): string {
    return ERRORS[this.code].remedy;
  }
}

/** Of an error of the system or of the addon; undefined for anything else. */
export const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/** What it says, whatever was thrown. */
export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What a person reads: what, where, what to do. */
export function describeError(error: unknown): { message: string; remedy: string } {
  if (error instanceof SidestepError) {
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return { message: error.message + cause, remedy: error.remedy };
  }
  if (error instanceof Error) {
    // Errors of the addon carry their own remedy.
    const remedy = 'remedy' in error && typeof error.remedy === 'string' ? error.remedy : ERRORS.internal.remedy;
    return { message: error.message, remedy };
  }
  return { message: String(error), remedy: ERRORS.internal.remedy };
}
