// SPDX-License-Identifier: Apache-2.0
#include <napi.h>

#include "probe.h"

namespace sidestep {
namespace {

const char* Word(Answer answer) {
	switch (answer) {
	case Answer::kYes:
		return "yes";
	case Answer::kNo:
		return "no";
	default:
		return "unknown";
	}
}

} // namespace

Napi::Value ProbeProgramsJs(const Napi::CallbackInfo& info) {
	Napi::Env env = info.Env();
	Napi::Array rows = Napi::Array::New(env);
	for (const ProgramProbe& probe : ProbePrograms()) {
		Napi::Object row = Napi::Object::New(env);
		row.Set("type", probe.type);
		row.Set("loads", Word(probe.loads));
		row.Set("attaches", Word(probe.attaches));
		row.Set("detail", probe.detail);
		row.Set("use", probe.use);
		rows.Set(rows.Length(), row);
	}
	return rows;
}

Napi::Value ProbeCastsJs(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), Word(ProbeCasts())); }

Napi::Value ProbeFeaturesJs(const Napi::CallbackInfo& info) {
	Napi::Env env = info.Env();
	Napi::Array rows = Napi::Array::New(env);
	for (const FeatureProbe& probe : ProbeFeatures()) {
		Napi::Object row = Napi::Object::New(env);
		row.Set("name", probe.name);
		row.Set("answer", Word(probe.answer));
		row.Set("since", probe.since);
		row.Set("detail", probe.detail);
		rows.Set(rows.Length(), row);
	}
	return rows;
}

} // namespace sidestep
