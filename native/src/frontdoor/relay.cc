// SPDX-License-Identifier: Apache-2.0
#include "relay.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "choose.h"
#include "worker.h"

namespace sidestep::door {
namespace {

constexpr size_t kMostTries = 3;
// Of one direction before others get their turn.
constexpr int kMostChunks = 16;
// How long the end of a connection whose other end died may take to get what was on its way to it.
constexpr int64_t kLingerMs = 2000, kLingerLookMs = 20;

void Set(int fd, int level, int option, int value) { setsockopt(fd, level, option, &value, sizeof(value)); }

void Tune(int fd) {
	Set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	// A peer that has gone without a word is noticed, whatever idleTimeout says.
	Set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

void Reset(UniqueFd& fd) {
	linger now{ 1, 0 };
	if (fd) setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	fd.reset();
}

bool MustWait(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

} // namespace

void End::Heard(uint32_t events) {
	if (!fd) return; // closed by an earlier event of the same batch
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hung = true;
	if (events & (EPOLLOUT | EPOLLERR)) writable = true;
	if (events & EPOLLERR) failed = true;
	relay_.Heard(*this, events);
}

Relay::Relay(Worker& worker, std::shared_ptr<Listener> listener, UniqueFd client, const Address& peer)
    : worker_(worker), listener_(std::move(listener)), settings_(listener_->settings.load()), client_(*this),
      upstream_(*this), in_{ client_, upstream_, listener_->totals->bytes_in },
      out_{ upstream_, client_, listener_->totals->bytes_out } {
	client_.fd = std::move(client);
	told_.source = peer;
	getsockname(client_.fd.get(), told_.destination.raw(), &told_.destination.length);
	listener_->active.fetch_add(1, std::memory_order_relaxed);
}

Relay::~Relay() { worker_.Cancel(*this); }

void Relay::Begin() {
	Tune(client_.fd.get());
	if (!worker_.Watch(client_.fd.get(), client_)) return Over(Outcome::kNoDescriptors, true);
	if (!settings_->proxy_in) return Connect();
	worker_.Schedule(*this, worker_.now_ms() + settings_->connect_timeout_ms);
	ReadHeader();
}

void Relay::Heard(End& end, uint32_t events) {
	switch (stage_) {
	case Stage::kHeader:
		return ReadHeader();
	case Stage::kConnecting:
		// A client that only has nothing more to say waits for its answer.
		if (&end == &client_)
			return end.failed || events & EPOLLHUP ? Over(Outcome::kClientLeft, true) : void();
		if (events & (EPOLLERR | EPOLLHUP)) return ConnectFailed();
		return events & EPOLLOUT ? Established() : void();
	case Stage::kRelaying:
	case Stage::kLingering:
		return Go();
	case Stage::kOver:
		return;
	}
}

// The header is looked at until it is whole, and only then taken: nothing behind it is touched.
void Relay::ReadHeader() {
	char* bytes = worker_.scratch();
	const ssize_t size = recv(client_.fd.get(), bytes, kLongestHeader, MSG_PEEK | MSG_DONTWAIT);
	if (size < 0 && MustWait(errno)) return;
	if (size <= 0) return Over(Outcome::kClientLeft, true);
	const ProxyHeader header = ReadProxyHeader({ bytes, static_cast<size_t>(size) });
	if (header.is == ProxyHeader::Is::kPartial && !client_.hung) return;
	if (header.is != ProxyHeader::Is::kComplete) return Over(Outcome::kBadHeader, true);
	if (recv(client_.fd.get(), bytes, header.size, MSG_DONTWAIT) != static_cast<ssize_t>(header.size))
		return Over(Outcome::kClientLeft, true);
	if (header.ends) told_ = *header.ends;
	Connect();
}

void Relay::Connect() {
	stage_ = Stage::kConnecting;
	auto backends = listener_->backends.load();
	while (tried_.size() < kMostTries) {
		backend_ = Choose(*backends, tried_, worker_.Turn(), worker_.now_ms());
		if (!backend_) break;
		tried_.push_back(backend_.get());
		backend_->active.fetch_add(1, std::memory_order_relaxed);
		const Address& to = backend_->address;
		{
			std::lock_guard lock(descriptors);
			upstream_.fd.reset(
				socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
		}
		// That is no fault of the backend.
		if (!upstream_.fd) return Over(Outcome::kNoDescriptors, true);
		if (connect(upstream_.fd.get(), to.raw(), to.length) == 0 || errno == EINPROGRESS) {
			upstream_.readable = upstream_.writable = upstream_.hung = upstream_.failed = false;
			worker_.Schedule(*this, worker_.now_ms() + settings_->connect_timeout_ms);
			if (!worker_.Watch(upstream_.fd.get(), upstream_)) Over(Outcome::kNoDescriptors, true);
			return;
		}
		NoteFailure(*backend_, worker_.now_ms());
		backend_->active.fetch_sub(1, std::memory_order_relaxed);
		backend_.reset();
	}
	Over(tried_.empty() ? Outcome::kNoBackend : Outcome::kConnectFailed, true);
}

void Relay::ConnectFailed() {
	NoteFailure(*backend_, worker_.now_ms());
	backend_->active.fetch_sub(1, std::memory_order_relaxed);
	backend_.reset();
	Reset(upstream_.fd);
	Connect();
}

void Relay::Established() {
	stage_ = Stage::kRelaying;
	NoteSuccess(*backend_);
	backend_->total.fetch_add(1, std::memory_order_relaxed);
	Tune(upstream_.fd.get());
	if (settings_->proxy_out != ProxyVersion::kNone) Introduce();
	if (settings_->counting.protocol != Protocol::kNone)
		requests_ = std::make_unique<Requests>(settings_->counting, listener_->totals->requests);
	moved_ms_ = worker_.now_ms();
	worker_.Cancel(*this);
	if (settings_->idle_timeout_ms) worker_.Schedule(*this, moved_ms_ + settings_->idle_timeout_ms);
	// What came before the backend was there has had its event.
	client_.readable = true;
	Go();
}

void Relay::Introduce() {
	const std::string header = WriteProxyHeader(settings_->proxy_out, told_);
	Hold(in_, header.data(), header.size());
}

void Relay::Go() {
	if (stage_ == Stage::kLingering) return Linger();
	bool more = false;
	for (Flow* flow : { &in_, &out_ }) {
		const Pumped pumped = Pump(*flow);
		if (pumped == Pumped::kToFailed) return Mourn(flow->to);
		// Whoever cannot be written to does not keep its other end from hearing that this one died.
		if (pumped == Pumped::kFromFailed || flow->from.failed) return Mourn(flow->from);
		more = more || pumped == Pumped::kMore;
	}
	if (in_.shut && out_.shut) return Over(Outcome::kClosed, false);
	if (more) worker_.Again(*this);
}

Relay::Pumped Relay::Pump(Flow& flow) {
	for (int chunks = 0; chunks < kMostChunks; chunks++) {
		if (flow.held) {
			const Pumped flushed = Flush(flow);
			if (flushed == Pumped::kToFailed || flow.held) return flushed;
		}
		if (flow.ended) {
			if (!flow.shut) shutdown(flow.to.fd.get(), SHUT_WR);
			flow.shut = true;
			return Pumped::kDone;
		}
		if (!flow.from.readable) return Pumped::kDone;
		const Pumped taken = Take(flow);
		if (taken == Pumped::kFromFailed || taken == Pumped::kToFailed) return taken;
	}
	return Pumped::kMore;
}

Relay::Pumped Relay::Flush(Flow& flow) {
	while (flow.begin < flow.end && flow.to.writable) {
		const ssize_t sent = send(flow.to.fd.get(), flow.held.get() + flow.begin, flow.end - flow.begin,
					  MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && !MustWait(errno)) return Pumped::kToFailed;
		if (sent < 0) {
			flow.to.writable = false;
		} else {
			flow.begin += static_cast<size_t>(sent);
			moved_ms_ = worker_.now_ms();
		}
	}
	if (flow.begin == flow.end) flow.held.reset();
	return Pumped::kDone;
}

// Reads once, and writes what it read as far as there is room.
Relay::Pumped Relay::Take(Flow& flow) {
	char* bytes = worker_.scratch();
	const ssize_t size = recv(flow.from.fd.get(), bytes, kChunk, MSG_DONTWAIT);
	if (size < 0 && !MustWait(errno)) return Pumped::kFromFailed;
	if (size < 0) {
		flow.from.readable = false;
		return Pumped::kDone;
	}
	if (size == 0) {
		if (flow.from.failed) return Pumped::kFromFailed;
		flow.ended = true;
		if (requests_ && &flow == &out_) requests_->BackendEnded();
		return Pumped::kDone;
	}
	// Edge-triggered: what comes from now on has an event of its own.
	if (static_cast<size_t>(size) < kChunk && !flow.from.hung) flow.from.readable = false;
	flow.bytes.fetch_add(static_cast<uint64_t>(size), std::memory_order_relaxed);
	moved_ms_ = worker_.now_ms();
	ssize_t sent = 0;
	if (flow.to.writable)
		sent = send(flow.to.fd.get(), bytes, static_cast<size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0 && !MustWait(errno)) return Pumped::kToFailed;
	// Nobody waits for that.
	Count(flow, bytes, static_cast<size_t>(size));
	if (sent < size) {
		// It is asked again, not waited for: a short send alone announces no event.
		if (sent < 0) flow.to.writable = false;
		Hold(flow, bytes + std::max<ssize_t>(sent, 0), static_cast<size_t>(size - std::max<ssize_t>(sent, 0)));
	}
	return Pumped::kDone;
}

void Relay::Count(const Flow& flow, const char* bytes, size_t size) {
	if (!requests_) return;
	if (&flow == &in_)
		requests_->FromClient(bytes, size);
	else
		requests_->FromBackend(bytes, size);
}

void Relay::Hold(Flow& flow, const char* bytes, size_t size) {
	flow.held = std::make_unique_for_overwrite<char[]>(size);
	memcpy(flow.held.get(), bytes, size);
	flow.begin = 0;
	flow.end = size;
}

// One end died. What it had sent before is still passed on; then the other is reset, as it would be without a door.
void Relay::Mourn(End& dead) {
	stage_ = Stage::kLingering;
	outcome_ = &dead == &client_ ? Outcome::kClientReset : Outcome::kBackendReset;
	dead.failed = true;
	dead.readable = true;
	deadline_ms_ = worker_.now_ms() + kLingerMs;
	Linger();
}

void Relay::Linger() {
	Flow& flow = outcome_ == Outcome::kClientReset ? in_ : out_;
	const Pumped pumped = flow.shut ? Pumped::kFromFailed : Pump(flow);
	int queued = 0;
	if (pumped != Pumped::kToFailed && worker_.now_ms() < deadline_ms_) {
		ioctl(flow.to.fd.get(), SIOCOUTQ, &queued);
		if (pumped == Pumped::kMore) return worker_.Again(*this);
		if (flow.held || (queued > 0 && !flow.to.failed))
			return worker_.Schedule(*this, worker_.now_ms() + kLingerLookMs);
	}
	Over(outcome_, true);
}

void Relay::Due() {
	const int64_t now = worker_.now_ms();
	switch (stage_) {
	case Stage::kHeader:
		return Over(Outcome::kBadHeader, true);
	case Stage::kConnecting:
		return ConnectFailed();
	case Stage::kRelaying:
		// Bytes move without touching the timer; it is set again only when it has run out.
		if (moved_ms_ + settings_->idle_timeout_ms > now)
			return worker_.Schedule(*this, moved_ms_ + settings_->idle_timeout_ms);
		// A stream that was cut off must not look complete.
		return Over(Outcome::kIdle, true);
	case Stage::kLingering:
		return Linger();
	case Stage::kOver:
		return;
	}
}

void Relay::Cut(Outcome outcome) { Over(outcome, true); }

void Relay::Over(Outcome outcome, bool reset) {
	if (stage_ == Stage::kOver) return;
	stage_ = Stage::kOver;
	// Before anybody can hear of it: who is told that it is over finds its place free, and the end counted.
	listener_->Count(outcome);
	listener_->active.fetch_sub(1, std::memory_order_relaxed);
	if (backend_) backend_->active.fetch_sub(1, std::memory_order_relaxed);
	if (reset) {
		Reset(client_.fd);
		Reset(upstream_.fd);
	}
	client_.fd.reset();
	upstream_.fd.reset();
	worker_.Bury(*this);
}

} // namespace sidestep::door
