// Adds Node.js and the Debian packages of PACKAGES ("NAME VERSION ARCHITECTURE" a line) to a CycloneDX list on stdin.
'use strict';
const { readFileSync } = require('node:fs');

const bill = JSON.parse(readFileSync(0, 'utf8'));
const packages = (process.env.PACKAGES ?? '').split('\n').filter((line) => line !== '').map((line) => line.split(' '));
const version = process.version.slice(1);
// What differs from run to run has no place in an image that is to be the same.
delete bill.serialNumber;
delete bill.metadata.timestamp;
bill.components.push(
  { type: 'application', name: 'node', version, purl: `pkg:generic/node@${version}` },
  ...packages.map(([name, release, architecture]) => ({
    type: 'library', name, version: release, purl: `pkg:deb/debian/${name}@${encodeURIComponent(release)}?arch=${architecture}`,
  })),
);
console.log(JSON.stringify(bill, null, 2));
