// SPDX-License-Identifier: Apache-2.0
#include "scope.h"

#include <sys/sysmacros.h>

#include <cstring>
#include <iterator>

namespace sidestep {
namespace {

constexpr const char* kEffects[] = { "exclude", "include", "trust", "blocking", "observe" };

Napi::TypeError Wrong(Napi::Env env, const std::string& what) {
	return Napi::TypeError::New(env, "NativeDatapath: scope " + what);
}

uint32_t EffectOf(const Napi::Object& js) {
	Napi::Value value = js.Get("effect");
	std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
	for (uint32_t i = 0; i < std::size(kEffects); i++) {
		if (name == kEffects[i]) return SCOPE_EXCLUDE + i;
	}
	throw Wrong(js.Env(), "has an effect that is none of exclude, include, trust, blocking, observe");
}

double NumberOf(const Napi::Object& js, const char* key, double most) {
	Napi::Value value = js.Get(key);
	double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
	if (!(number >= 0 && number <= most))
		throw Wrong(js.Env(), std::string("has a ") + key + " that is out of range");
	return number;
}

uint64_t BigOf(const Napi::Object& js, const char* key) {
	Napi::Value value = js.Get(key);
	if (!value.IsBigInt()) throw Wrong(js.Env(), std::string("has a ") + key + " that is no bigint");
	bool lossless = false;
	return value.As<Napi::BigInt>().Uint64Value(&lossless);
}

sidestep_selector SelectorFromJs(const Napi::Object& js) {
	sidestep_selector selector{};
	selector.effect = EffectOf(js);
	if (js.Has("program")) {
		selector.terms |= TERM_PROGRAM;
		// The kernel cuts names in the same way.
		std::string name = js.Get("program").ToString();
		strncpy(selector.comm, name.c_str(), SIDESTEP_COMM - 1);
	}
	if (js.Has("exeInode")) {
		selector.terms |= TERM_EXE;
		selector.exe_inode = BigOf(js, "exeInode");
		uint64_t dev = BigOf(js, "exeDev");
		selector.exe_dev = major(dev) << 20 | minor(dev);
	}
	if (js.Has("cgroup")) {
		selector.terms |= TERM_CGROUP;
		selector.cgroup = BigOf(js, "cgroup");
	}
	if (js.Has("portFirst")) {
		selector.terms |= TERM_PORT;
		selector.port_first = static_cast<uint16_t>(NumberOf(js, "portFirst", 65535));
		selector.port_last = static_cast<uint16_t>(NumberOf(js, "portLast", 65535));
	}
	if (js.Has("address")) {
		Napi::Value address = js.Get("address");
		if (!address.IsBuffer() || address.As<Napi::Buffer<uint8_t>>().Length() != sizeof(selector.address))
			throw Wrong(js.Env(), "has an address that is no buffer of 16 bytes");
		selector.terms |= TERM_CIDR;
		memcpy(selector.address, address.As<Napi::Buffer<uint8_t>>().Data(), sizeof(selector.address));
		selector.prefix = static_cast<uint32_t>(NumberOf(js, "prefix", 128));
	}
	if (js.Has("uid")) {
		selector.terms |= TERM_USER;
		selector.uid = static_cast<uint32_t>(NumberOf(js, "uid", 4294967295.0));
	}
	return selector;
}

} // namespace

sidestep_scope ScopeFromJs(Napi::Env env, Napi::Value list) {
	if (!list.IsArray()) throw Wrong(env, "must be a list of selectors");
	auto js = list.As<Napi::Array>();
	if (js.Length() > SIDESTEP_SELECTORS)
		throw Wrong(env, "takes at most " + std::to_string(SIDESTEP_SELECTORS) + " selectors");
	sidestep_scope scope{};
	scope.count = js.Length();
	for (uint32_t i = 0; i < scope.count; i++) {
		if (!js.Get(i).IsObject()) throw Wrong(env, "has a selector that is no object");
		scope.selector[i] = SelectorFromJs(js.Get(i).As<Napi::Object>());
		if (scope.selector[i].effect == SCOPE_INCLUDE) scope.including = 1;
	}
	return scope;
}

} // namespace sidestep
