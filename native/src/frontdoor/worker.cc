// SPDX-License-Identifier: Apache-2.0
#include "worker.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>
#include <future>

#include "../error.h"

namespace sidestep::door {
namespace {

constexpr int kMostEvents = 256;
// Of one listener before others get their turn.
constexpr int kMostAccepts = 64;
constexpr useconds_t kNapUs = 1000;
// Descriptors that no client gets: without any, nobody could tell this process anything.
constexpr rlim_t kReserved = 16;

// A client that is not served is told at once.
void Refuse(UniqueFd client) {
	linger now{ 1, 0 };
	setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

int MostDescriptor() {
	rlimit limit{};
	getrlimit(RLIMIT_NOFILE, &limit);
	return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, INT_MAX) - kReserved);
}

UniqueFd Opened(int fd, const char* what) {
	if (fd < 0) throw KernelError("kernel_refused", what, errno);
	return UniqueFd(fd);
}

} // namespace

class Worker::Gate final : public Source {
      public:
	Gate(Worker& worker, std::shared_ptr<Listener> listener_, UniqueFd fd_)
	    : listener(std::move(listener_)), fd(std::move(fd_)), worker_(worker) {}
	void Heard(uint32_t) override {
		if (fd) worker_.Accept(*this);
	}

	std::shared_ptr<Listener> listener;
	UniqueFd fd;

      private:
	Worker& worker_;
};

class Worker::Bell final : public Source {
      public:
	explicit Bell(int fd) : fd_(fd) {}
	void Heard(uint32_t) override {
		uint64_t count;
		while (read(fd_, &count, sizeof(count)) < 0 && errno == EINTR) {
		}
	}

      private:
	int fd_;
};

Worker::Worker()
    : epoll_(Opened(epoll_create1(EPOLL_CLOEXEC), "make an epoll descriptor")),
      bell_fd_(Opened(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "make an event descriptor")),
      spare_(Opened(open("/dev/null", O_RDONLY | O_CLOEXEC), "open /dev/null")),
      bell_(std::make_unique<Bell>(bell_fd_.get())), most_descriptor_(MostDescriptor()),
      scratch_(std::make_unique<char[]>(kChunk)) {
	epoll_event event{ EPOLLIN, { .ptr = static_cast<Source*>(bell_.get()) } };
	epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, bell_fd_.get(), &event);
	Tick();
	// Signals are Node's.
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	thread_ = std::thread([this] { Run(); });
	pthread_sigmask(SIG_SETMASK, &before, nullptr);
	pthread_setname_np(thread_.native_handle(), "sidestep-door");
}

Worker::~Worker() {
	Tell([this] { stopping_ = true; });
	thread_.join();
}

void Worker::Open(std::shared_ptr<Listener> listener, UniqueFd socket) {
	auto owned = std::make_shared<UniqueFd>(std::move(socket));
	Tell([this, listener, owned] {
		auto& gate = gates_.emplace(listener.get(), std::make_unique<Gate>(*this, listener, std::move(*owned)))
				     ->second;
		epoll_event event{ EPOLLIN, { .ptr = static_cast<Source*>(gate.get()) } };
		epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, gate->fd.get(), &event);
	});
}

// A promise, because the port must be free when the caller goes on.
void Worker::Shut(std::shared_ptr<Listener> listener) {
	std::promise<void> done;
	Tell([this, listener, &done] {
		const auto [first, last] = gates_.equal_range(listener.get());
		for (auto found = first; found != last; ++found) {
			Gate& gate = *found->second;
			// As many as the backlog may hold: others come for as long as it listens.
			for (int times = 0; times < kMostAccepts && Accept(gate); times++) {
			}
			// Whoever else has the socket goes on with it; an epoll descriptor would not let go by itself.
			epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, gate.fd.get(), nullptr);
			gate.fd.reset();
			// An event of it may be in this batch.
			old_gates_.push_back(std::move(found->second));
		}
		gates_.erase(first, last);
		done.set_value();
	});
	done.get_future().wait();
}

void Worker::CutAll(std::shared_ptr<Listener> listener) {
	Tell([this, listener] {
		std::vector<Relay*> meant;
		for (const auto& [relay, owner] : relays_)
			if (relay->listener() == listener.get()) meant.push_back(relay);
		for (Relay* relay : meant)
			relay->Cut(Outcome::kDrained);
	});
}

void Worker::Tell(std::function<void()> what) {
	{
		std::lock_guard lock(mutex_);
		told_.push_back(std::move(what));
	}
	const uint64_t one = 1;
	while (write(bell_fd_.get(), &one, sizeof(one)) < 0 && errno == EINTR) {
	}
}

void Worker::Obey() {
	std::vector<std::function<void()>> told;
	{
		std::lock_guard lock(mutex_);
		told.swap(told_);
	}
	for (const auto& what : told)
		what();
}

void Worker::Run() {
	epoll_event events[kMostEvents];
	while (!stopping_) {
		const int count = epoll_wait(epoll_.get(), events, kMostEvents, PatienceMs());
		Tick();
		for (int index = 0; index < count; index++)
			static_cast<Source*>(events[index].data.ptr)->Heard(events[index].events);
		Fire();
		std::vector<Relay*> again;
		again.swap(again_);
		for (Relay* relay : again) {
			relay->again = false;
			if (!relay->over()) relay->Go();
		}
		Obey();
		Forget();
	}
	std::vector<Relay*> left;
	for (const auto& [relay, owner] : relays_)
		left.push_back(relay);
	for (Relay* relay : left)
		relay->Cut(Outcome::kDrained);
	gates_.clear();
	Forget();
}

int Worker::PatienceMs() const {
	if (!again_.empty()) return 0;
	if (timers_.empty()) return -1;
	const int64_t left = timers_.begin()->first - now_ms_;
	return static_cast<int>(std::clamp<int64_t>(left, 0, 60'000));
}

void Worker::Fire() {
	while (!timers_.empty() && timers_.begin()->first <= now_ms_) {
		Relay& relay = *timers_.begin()->second;
		Cancel(relay);
		relay.Due();
	}
}

// True when more may wait.
bool Worker::Accept(Gate& gate) {
	for (int times = 0; times < kMostAccepts; times++) {
		Address peer;
		UniqueFd client;
		int error = 0;
		{
			std::lock_guard lock(descriptors);
			client.reset(accept4(gate.fd.get(), peer.raw(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
			error = errno;
			if (!client && (error == EMFILE || error == ENFILE)) {
				if (RefuseOne(gate)) continue;
				break;
			}
		}
		if (client && client.get() >= most_descriptor_) {
			gate.listener->Count(Outcome::kNoDescriptors);
			Refuse(std::move(client));
		} else if (client)
			Admit(gate, std::move(client), peer);
		else if (error != ECONNABORTED && error != EINTR)
			return false;
	}
	// Somebody else in this process has taken the spare one, and the client that waits wakes this thread at once.
	if (!spare_) usleep(kNapUs);
	return static_cast<bool>(spare_);
}

// Without a descriptor left there is one for a moment. The lock is held. False when that did not help.
bool Worker::RefuseOne(Gate& gate) {
	spare_.reset();
	UniqueFd refused(accept4(gate.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
	const bool was_there = static_cast<bool>(refused);
	if (was_there) {
		gate.listener->Count(Outcome::kNoDescriptors);
		Refuse(std::move(refused));
	}
	spare_.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
	return was_there;
}

void Worker::Admit(Gate& gate, UniqueFd client, const Address& peer) {
	Listener& listener = *gate.listener;
	const auto settings = listener.settings.load();
	const auto address = peer.sixteen();
	if (AnyHas(settings->deny, address) || (!settings->allow.empty() && !AnyHas(settings->allow, address))) {
		listener.Count(Outcome::kDenied);
		return Refuse(std::move(client));
	}
	if (listener.active.load(std::memory_order_relaxed) >= settings->max_connections) {
		listener.Count(Outcome::kOverLimit);
		return Refuse(std::move(client));
	}
	auto relay = std::make_unique<Relay>(*this, gate.listener, std::move(client), peer);
	Relay& known = *relay;
	relays_.emplace(&known, std::move(relay));
	known.Begin();
}

bool Worker::Watch(int fd, Source& source) {
	epoll_event event{ EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, { .ptr = &source } };
	return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Worker::Schedule(Relay& relay, int64_t at_ms) {
	Cancel(relay);
	relay.timer = timers_.emplace(at_ms, &relay);
	relay.timed = true;
}

void Worker::Cancel(Relay& relay) {
	if (relay.timed) timers_.erase(relay.timer);
	relay.timed = false;
}

void Worker::Again(Relay& relay) {
	if (!relay.again) again_.push_back(&relay);
	relay.again = true;
}

// Its address may still be in this batch of events.
void Worker::Bury(Relay& relay) {
	Cancel(relay);
	auto found = relays_.find(&relay);
	buried_.push_back(std::move(found->second));
	relays_.erase(found);
}

void Worker::Forget() {
	std::erase_if(again_, [](const Relay* relay) { return relay->over(); });
	buried_.clear();
	old_gates_.clear();
	if (!spare_) spare_.reset(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void Worker::Tick() {
	timespec now{};
	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ms_ = now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

} // namespace sidestep::door
