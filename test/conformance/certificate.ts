// SPDX-License-Identifier: Apache-2.0
import type { Place } from './place.js';

/** key.pem and cert.pem for 127.0.0.1 in the folder of the place; both.pem holds the two. */
export async function certificate(place: Place): Promise<void> {
  await place.output(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', 'key.pem', '-out', 'cert.pem']);
  await place.output(['bash', '-c', 'cat key.pem cert.pem >both.pem']);
}
