/**
 * The closed list of reasons, in the order of bpf/include/layout.h (a test compares the two).
 * `what` finishes the sentence "this took plain TCP because ..."; `remedy` says what a person can do.
 */
export interface Reason {
  readonly name: string;
  readonly what: string;
  readonly remedy: string;
}

export const REASONS = [
  { name: 'redirected', what: 'nothing: it went around the TCP stack', remedy: 'nothing to do' },
  { name: 'peer_pending', what: 'the other end has not entered the map yet', remedy: 'usual for the first message of a connection; it ends by itself' },
  { name: 'unread_tcp', what: 'the reader has not yet read every byte that came over TCP, and redirected bytes would overtake them', remedy: 'it ends by itself as soon as the reader has caught up' },
  { name: 'queue_full', what: 'the reader holds too many unread bytes', remedy: 'a slow reader is held back by TCP as usual; raise datapath.queueBytes if memory allows' },
  { name: 'not_accepted', what: 'the server has not accepted the connection yet', remedy: 'it ends by itself when the server calls accept' },
  { name: 'blocking', what: 'an end is a blocking socket, and the kernel wakes blocking readers of redirected sockets wrongly', remedy: 'use non-blocking sockets (O_NONBLOCK) in the program' },
  { name: 'peer_gone', what: 'the other end has closed or left the map', remedy: 'nothing to do: TCP gives the right error' },
  { name: 'disabled', what: 'acceleration is switched off', remedy: 'set datapath.enabled to true' },
  { name: 'untracked', what: 'the socket is in the map without its record', remedy: 'report it: this should not happen' },
  { name: 'ulp', what: 'an end uses an upper layer protocol such as kernel TLS', remedy: 'nothing to do: kernel TLS needs the TCP path' },
  { name: 'mptcp', what: 'the connection is Multipath TCP', remedy: 'use plain TCP between local processes' },
  { name: 'fast_open', what: 'the connection used TCP Fast Open, which carries bytes before both ends are known', remedy: 'switch Fast Open off for local peers' },
  { name: 'map_full', what: 'the map of pairs is full', remedy: 'raise datapath.maxPairs' },
  { name: 'busy', what: 'another program owns the message hook of this socket', remedy: 'see `sidestep check`, which names other owners' },
  { name: 'no_memory', what: 'the kernel could not allocate what the pair needs', remedy: 'free memory on the host' },
  { name: 'no_file', what: 'the connection belongs to the kernel, not to a process', remedy: 'nothing to do' },
  { name: 'leaving', what: 'the pair is being retired', remedy: 'nothing to do' },
  { name: 'remote', what: 'the other end is on another host, or outside the cgroup that Sidestep watches', remedy: 'check cgroup.path if both ends are local' },
  { name: 'observed', what: 'observe mode counts local connections and enrols none', remedy: 'set datapath.observe to false to accelerate' },
  { name: 'learning', what: 'it has not been seen yet how both of its ends read', remedy: 'nothing to do: it is adopted some milliseconds after both ends have read' },
  { name: 'splice', what: 'an end takes bytes out of the socket with splice or another call that sees nothing of redirected bytes', remedy: 'nothing to do: proxies that splice are fast on TCP' },
  { name: 'shut_down', what: 'the writer has shut down its sending or the reader its reading', remedy: 'nothing to do: TCP gives the right error' },
  { name: 'unread_close', what: 'an end closed with bytes unread, so the other was reset, as TCP would have done', remedy: 'nothing to do' },
  { name: 'socket_option', what: 'an end has set an option that the kernel does not honour for redirected bytes: SO_ZEROCOPY, SO_RCVLOWAT, SO_OOBINLINE, SO_TIMESTAMP, SO_PEEK_OFF, TCP_INQ or TCP_REPAIR', remedy: 'nothing to do: such programs keep what they asked for on TCP' },
  { name: 'excluded', what: 'a selector excludes it', remedy: '`sidestep explain` names the selector and its place; take it out of scope.exclude, or `sidestep enable` it' },
  { name: 'not_included', what: 'scope.include names others, and not this one', remedy: 'add a selector to scope.include that matches one of its ends' },
  { name: 'urgent', what: 'an end sends urgent bytes (MSG_OOB), which would arrive in line', remedy: 'nothing to do: urgent bytes need the TCP path' },
  { name: 'fionread', what: 'an end asks with ioctl(FIONREAD) how much there is to read, or the message is more than such a program may overlook; in mode split the answer leaves out redirected bytes', remedy: 'nothing to do; kernels that serve mode unified have no need of it' },
  { name: 'stream', what: 'it is a one-way stream of small messages, which TCP joins and so carries faster', remedy: 'nothing to do: it comes back when both ends talk; placement in the configuration says what a stream is' },
  { name: 'brief', what: 'connections to this listener end after a few messages, which is less than it costs to enter the map', remedy: 'nothing to do: one that goes on is adopted within seconds; programs that keep their connections open gain more. placement.brief says what is brief' },
  { name: 'refresh', what: 'this end had sent nothing over TCP for a while, and conntrack, NAT and firewalls on the way forget a connection that they see nothing of', remedy: 'nothing to do: it is one message now and then; placement.refresh says how often' },
] as const satisfies readonly Reason[];

export type ReasonName = (typeof REASONS)[number]['name'];

export const REASON_NAMES: readonly ReasonName[] = REASONS.map((reason) => reason.name);

export function reasonOf(name: ReasonName): Reason {
  return REASONS.find((reason) => reason.name === name) as Reason;
}
