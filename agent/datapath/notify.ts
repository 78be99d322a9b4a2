/** The one call of the addon that is not about the datapath: Node.js cannot send a datagram to a unix socket. */
import { native } from '../../native/index.js';
import { translated } from './translate.js';

export function notify(path: string, text: string): void {
  translated(() => { native.notify(path, text); });
}
