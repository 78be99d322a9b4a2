// SPDX-License-Identifier: Apache-2.0
// Arguments from JavaScript, refused with the name of the one that is wrong.
#pragma once

#include <napi.h>

#include <cmath>
#include <string>

namespace sidestep {

class Arguments {
      public:
	// `where` begins each complaint: the call that was made.
	Arguments(Napi::Object object, std::string where) : object_(object), where_(std::move(where)) {}

	std::string Text(const char* key) const {
		Napi::Value value = object_.Get(key);
		if (!value.IsString()) Complain(key, "must be a string");
		return value.As<Napi::String>();
	}
	uint32_t Number(const char* key, uint32_t least = 0, uint32_t most = 4294967295U) const {
		Napi::Value value = object_.Get(key);
		double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
		// Written so that NaN fails too.
		if (!(number >= least && number <= most) || number != std::floor(number))
			Complain(key, "must be a whole number from " + std::to_string(least) + " to " +
					      std::to_string(most));
		return static_cast<uint32_t>(number);
	}
	bool Flag(const char* key) const {
		Napi::Value value = object_.Get(key);
		if (!value.IsBoolean()) Complain(key, "must be true or false");
		return value.As<Napi::Boolean>();
	}
	Napi::Array List(const char* key) const {
		Napi::Value value = object_.Get(key);
		if (!value.IsArray()) Complain(key, "must be a list");
		return value.As<Napi::Array>();
	}
	[[noreturn]] void Complain(const char* key, const std::string& what) const {
		throw Napi::TypeError::New(object_.Env(), where_ + ": " + key + " " + what);
	}
	const Napi::Object& object() const { return object_; }

      private:
	Napi::Object object_;
	std::string where_;
};

// The one argument of a call, which must be an object.
inline Arguments ArgumentsOf(const Napi::CallbackInfo& info, const char* call) {
	if (info.Length() < 1 || !info[0].IsObject())
		throw Napi::TypeError::New(info.Env(), std::string(call) + ": takes an object");
	return { info[0].As<Napi::Object>(), call };
}

} // namespace sidestep
