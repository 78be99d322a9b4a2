// SPDX-License-Identifier: Apache-2.0
/** Asks over HTTP, some times and each on a connection of its own, and prints who answered and who the peer is. */
const http = require('node:http');
const [url, times] = process.argv.slice(2);

const ask = () => new Promise((resolve, reject) => {
  http.get(url, { agent: false }, (answer) => {
    const { remoteAddress, remotePort } = answer.socket;
    let body = '';
    answer.on('data', (some) => { body += some; });
    answer.on('end', () => { resolve(`${body} ${remoteAddress.includes(':') ? `[${remoteAddress}]` : remoteAddress}:${remotePort}`); });
  }).on('error', reject);
});

(async () => { for (let time = 0; time < Number(times); time++) console.log(await ask()); })();
