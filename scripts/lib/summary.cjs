// The spec reporter, which also leaves the counts in a file, and below them a line for each test that failed: the text of a
// reporter is for people, not for scripts.
'use strict';
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class Summary extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const failed = [];
    // After each test, so that a crash does not take the counts with it.
    const note = () => {
      writeFileSync(options.reporterOptions.file, [`${this.stats.passes} ${this.stats.failures}`, ...failed, ''].join('\n'));
    };
    runner.on('pass', note);
    runner.on('fail', (test, error) => {
      const [why] = String(error?.message ?? error).split('\n');
      failed.push(`${test.fullTitle()}: ${why}`);
      note();
    });
  }
};
