// SPDX-License-Identifier: Apache-2.0
// Requests and answers of HTTP/1, as llhttp finds them: the parser of Node.js, which Debian has as sources.
#include <llhttp.h>

#include "requests.h"

namespace sidestep::door {
namespace {

// What its callbacks return, beside an error.
constexpr int kGoOn = 0, kNoBody = 1, kNoBodyAndThenSomethingElse = 2;

class Http1 : public Framer {
      public:
	Http1(llhttp_type type, const llhttp_settings_t& settings, Requests& requests) : requests_(requests) {
		llhttp_init(&parser_, type, &settings);
		parser_.data = this;
	}

	bool Read(const char* bytes, size_t size) override {
		switch (llhttp_execute(&parser_, bytes, size)) {
		case HPE_OK:
			return true;
		case HPE_PAUSED_UPGRADE:
			return Paused(llhttp_get_error_pos(&parser_) == bytes + size);
		default:
			return false;
		}
	}

      protected:
	// Something else may follow. `at_end`: what follows has not come yet.
	virtual bool Paused(bool at_end) = 0;

	static Requests& Of(const llhttp_t* parser) { return static_cast<Http1*>(parser->data)->requests_; }

	static llhttp_settings_t Hears(llhttp_cb begin, llhttp_cb headers, llhttp_cb whole) {
		llhttp_settings_t settings;
		llhttp_settings_init(&settings);
		settings.on_message_begin = begin;
		settings.on_headers_complete = headers;
		settings.on_message_complete = whole;
		return settings;
	}

	llhttp_t parser_{};
	Requests& requests_;
};

class Asking final : public Http1 {
      public:
	explicit Asking(Requests& requests) : Http1(HTTP_REQUEST, kHears, requests) {}

	void GoOn() override { llhttp_resume_after_upgrade(&parser_); }

      private:
	static int Headers(llhttp_t* parser) {
		Of(parser).Asked(parser->method == HTTP_HEAD      ? Requests::Kind::kHead
				 : parser->method == HTTP_CONNECT ? Requests::Kind::kConnect
								  : Requests::Kind::kPlain);
		return kGoOn;
	}

	static int Whole(llhttp_t* parser) {
		Of(parser).AskedWhole();
		return kGoOn;
	}

	bool Paused(bool at_end) override {
		requests_.AskedToUpgrade();
		return at_end;
	}

	static inline const llhttp_settings_t kHears = Hears(nullptr, Headers, Whole);
};

class Answering final : public Http1 {
      public:
	explicit Answering(Requests& requests) : Http1(HTTP_RESPONSE, kHears, requests) {}

	bool End() override { return llhttp_finish(&parser_) == HPE_OK; }

      private:
	static int Begin(llhttp_t* parser) {
		Of(parser).AnswerBegun();
		return kGoOn;
	}

	static int Headers(llhttp_t* parser) {
		const Requests::Kind kind = Of(parser).next();
		const int status = parser->status_code;
		if (kind == Requests::Kind::kConnect && status / 100 == 2) return kNoBodyAndThenSomethingElse;
		// The length of these is that of a body which does not come.
		return kind == Requests::Kind::kHead || status == 204 || status == 304 ? kNoBody : kGoOn;
	}

	static int Whole(llhttp_t* parser) {
		Tell(parser->status_code, Of(parser));
		return kGoOn;
	}

	static void Tell(int status, Requests& requests) {
		if (status == HTTP_STATUS_SWITCHING_PROTOCOLS) return requests.Upgraded();
		switch (status / 100) {
		case 1:
			return requests.AnswerWasInterim();
		case 2:
			return requests.next() == Requests::Kind::kConnect ? requests.Upgraded()
									   : requests.AnswerWhole(Answer::k2xx);
		case 3:
			return requests.AnswerWhole(Answer::k3xx);
		case 4:
			return requests.AnswerWhole(Answer::k4xx);
		default:
			return requests.AnswerWhole(Answer::k5xx);
		}
	}

	bool Paused(bool) override { return true; }

	static inline const llhttp_settings_t kHears = Hears(Begin, Headers, Whole);
};

} // namespace

std::unique_ptr<Framer> Http1Requests(Requests& requests) { return std::make_unique<Asking>(requests); }
std::unique_ptr<Framer> Http1Answers(Requests& requests) { return std::make_unique<Answering>(requests); }

} // namespace sidestep::door
