// SPDX-License-Identifier: Apache-2.0
#include "tuning_js.h"

#include <cstring>
#include <string>

#include "error.h"
#include "mesh_address.h"
#include "worker.h"

namespace sidestep {
namespace {

constexpr const char* kOptions[TUNE_OPTION_COUNT] = {
#define X(symbol, name) name,
	TUNE_OPTIONS(X)
#undef X
};

Napi::Array Names(Napi::Env env, uint32_t bits) {
	Napi::Array js = Napi::Array::New(env);
	for (uint32_t i = 0; i < TUNE_OPTION_COUNT; i++)
		if (bits & (1U << i)) js.Set(js.Length(), kOptions[i]);
	return js;
}

Napi::Object RowToJs(Napi::Env env, const tune_row& row) {
	Napi::Object js = Napi::Object::New(env), now = Napi::Object::New(env);
	js.Set("localAddress", AddressText(row.local));
	js.Set("localPort", row.local_port);
	js.Set("remoteAddress", AddressText(row.remote));
	js.Set("remotePort", row.remote_port);
	js.Set("netns", row.netns);
	js.Set("inode", std::to_string(row.inode));
	js.Set("rule", row.rule);
	js.Set("given", Names(env, row.given));
	js.Set("refused", Names(env, row.refused));
	now.Set(kOptions[TUNE_CONGESTION],
		std::string(row.congestion, strnlen(row.congestion, sizeof(row.congestion))));
	for (uint32_t i = 0; i < TUNE_OPTION_COUNT; i++) {
		if (i == TUNE_CONGESTION || (row.value[i] == -1 && i != TUNE_PACING)) continue;
		// An unsigned number that the kernel's answer has as a signed one.
		now.Set(kOptions[i], i == TUNE_PACING ? static_cast<double>(static_cast<uint32_t>(row.value[i]))
						      : static_cast<double>(row.value[i]));
	}
	js.Set("now", now);
	return js;
}

class Asking : public WorkerOn<Mesh> {
      public:
	Asking(Napi::Env env, std::shared_ptr<Mesh> mesh) : WorkerOn(env, "sidestep:tuned", std::move(mesh)) {}

      private:
	void Work(Mesh& mesh) override { rows_ = TunedSockets(mesh); }
	Napi::Value Answer(Napi::Env env) override {
		Napi::Array js = Napi::Array::New(env);
		for (const tune_row& row : rows_)
			js.Set(js.Length(), RowToJs(env, row));
		return js;
	}

	std::vector<tune_row> rows_;
};

} // namespace

tune_rule RuleOf(const Arguments& from) {
	tune_rule rule{};
	rule.id = from.Number("id", 1);
	rule.network = AddressOf(from, "network");
	rule.prefix = from.Number("prefix", 0, 128);
	rule.first_port = static_cast<uint16_t>(from.Number("firstPort", 0, 65535));
	rule.last_port = static_cast<uint16_t>(from.Number("lastPort", 0, 65535));
	rule.by_service = from.Flag("byService");
	rule.service[0] = from.Number("service4");
	rule.service[1] = from.Number("service6");
	for (uint32_t i = 0; i < TUNE_OPTION_COUNT; i++) {
		if (!from.object().Has(kOptions[i])) continue;
		rule.wanted |= 1U << i;
		if (i == TUNE_CONGESTION) {
			std::string name = from.Text(kOptions[i]);
			if (name.empty() || name.size() >= sizeof(rule.congestion))
				from.Complain(kOptions[i], "must have 1 to 15 characters");
			memcpy(rule.congestion, name.data(), name.size());
			continue;
		}
		uint32_t value = from.Number(kOptions[i]);
		rule.value[i] = i == TUNE_SYN_TIMEOUT ? TicksOf(value) : value;
	}
	return rule;
}

Napi::Array TalliesToJs(Napi::Env env, const Mesh& mesh) {
	Napi::Array js = Napi::Array::New(env);
	for (const auto& [id, tally] : Tallies(mesh)) {
		Napi::Object row = Napi::Object::New(env), options = Napi::Object::New(env);
		for (uint32_t i = 0; i < TUNE_OPTION_COUNT; i++) {
			if (tally.given[i] + tally.refused[i] == 0) continue;
			Napi::Object option = Napi::Object::New(env);
			option.Set("given", static_cast<double>(tally.given[i]));
			option.Set("refused", static_cast<double>(tally.refused[i]));
			option.Set("error", tally.refused[i] ? ErrnoWords(tally.error[i]) : std::string());
			options.Set(kOptions[i], option);
		}
		row.Set("rule", id);
		row.Set("connections", static_cast<double>(tally.connections));
		row.Set("options", options);
		js.Set(js.Length(), row);
	}
	return js;
}

Napi::Value TunedToJs(Napi::Env env, std::shared_ptr<Mesh> mesh) {
	return WorkerOn<Mesh>::Start(new Asking(env, std::move(mesh)));
}

} // namespace sidestep
