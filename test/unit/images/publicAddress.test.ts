import ipaddr from 'ipaddr.js';
import { expect, test } from 'vitest';
import { isPublic } from '../../../shared/images/publicAddress.ts';

/** The IPv4 and IPv6 special-purpose address registries of IANA, row by row. */
const registries: [block: string, name: string][] = [
  ['0.0.0.0/8', 'This network'],
  ['0.0.0.0/32', 'This host on this network'],
  ['10.0.0.0/8', 'Private-Use'],
  ['100.64.0.0/10', 'Shared Address Space'],
  ['127.0.0.0/8', 'Loopback'],
  ['169.254.0.0/16', 'Link Local'],
  ['172.16.0.0/12', 'Private-Use'],
  ['192.0.0.0/24', 'IETF Protocol Assignments'],
  ['192.0.0.0/29', 'IPv4 Service Continuity Prefix'],
  ['192.0.0.8/32', 'IPv4 dummy address'],
  ['192.0.0.9/32', 'Port Control Protocol Anycast'],
  ['192.0.0.10/32', 'Traversal Using Relays around NAT Anycast'],
  ['192.0.0.170/32', 'NAT64/DNS64 Discovery'],
  ['192.0.0.171/32', 'NAT64/DNS64 Discovery'],
  ['192.0.2.0/24', 'Documentation (TEST-NET-1)'],
  ['192.31.196.0/24', 'AS112-v4'],
  ['192.52.193.0/24', 'AMT'],
  ['192.88.99.0/24', 'Deprecated (6to4 Relay Anycast)'],
  ['192.88.99.2/32', '6a44-relay anycast address'],
  ['192.168.0.0/16', 'Private-Use'],
  ['192.175.48.0/24', 'Direct Delegation AS112 Service'],
  ['198.18.0.0/15', 'Benchmarking'],
  ['198.51.100.0/24', 'Documentation (TEST-NET-2)'],
  ['203.0.113.0/24', 'Documentation (TEST-NET-3)'],
  ['240.0.0.0/4', 'Reserved'],
  ['255.255.255.255/32', 'Limited Broadcast'],
  ['::1/128', 'Loopback Address'],
  ['::/128', 'Unspecified Address'],
  ['::ffff:0:0/96', 'IPv4-mapped Address'],
  ['64:ff9b::/96', 'IPv4-IPv6 Translat.'],
  ['64:ff9b:1::/48', 'IPv4-IPv6 Translat.'],
  ['100::/64', 'Discard-Only Address Block'],
  ['100:0:0:1::/64', 'Dummy IPv6 Prefix'],
  ['2001::/23', 'IETF Protocol Assignments'],
  ['2001::/32', 'TEREDO'],
  ['2001:1::1/128', 'Port Control Protocol Anycast'],
  ['2001:1::2/128', 'Traversal Using Relays around NAT Anycast'],
  ['2001:1::3/128', 'DNS-SD Service Registration Protocol Anycast'],
  ['2001:2::/48', 'Benchmarking'],
  ['2001:3::/32', 'AMT'],
  ['2001:4:112::/48', 'AS112-v6'],
  ['2001:10::/28', 'Deprecated (previously ORCHID)'],
  ['2001:20::/28', 'ORCHIDv2'],
  ['2001:30::/28', 'Drone Remote ID Protocol Entity Tags'],
  ['2001:db8::/32', 'Documentation'],
  ['2002::/16', '6to4'],
  ['2620:4f:8000::/48', 'Direct Delegation AS112 Service'],
  ['3fff::/20', 'Documentation'],
  ['5f00::/16', 'Segment Routing (SRv6) SIDs'],
  ['fc00::/7', 'Unique-Local'],
  ['fe80::/10', 'Link-Local Unicast'],
  // Beside the registries: multicast, old forms, and networks that were given back.
  ['224.0.0.0/4', 'Multicast'],
  ['ff00::/8', 'Multicast'],
  ['::/96', 'IPv4-compatible'],
  ['::ffff:0:0:0/96', 'IPv4-translated'],
  ['fec0::/10', 'Site-Local'],
  ['3ffe::/16', '6bone'],
  ['200::/7', 'OSI NSAP'],
  ['168.63.129.16/32', 'The wire server of Azure'],
];

function lastOf(block: string): string {
  const [address, bits] = ipaddr.parseCIDR(block);
  const bytes = address.toByteArray().map((byte, index) => {
    const fixed = Math.min(Math.max(bits - index * 8, 0), 8);
    return byte | (0xff >> fixed);
  });
  return ipaddr.fromByteArray(bytes).toString();
}

test.each(registries)('%s (%s) is no public address, from its first to its last', (block) => {
  const [first = ''] = block.split('/');
  expect(isPublic(first)).toBe(false);
  expect(isPublic(lastOf(block))).toBe(false);
});

const inner = ['127.0.0.1', '10.0.0.1', '169.254.169.254', '8.8.8.8'];

/** Every way to hold an IPv4 address in an IPv6 address; a tunnel may lead to an inner network. */
const holders: Record<string, (ipv4: string) => string> = {
  mapped: (ipv4) => `::ffff:${ipv4}`,
  compatible: (ipv4) => `::${ipv4}`,
  NAT64: (ipv4) => `64:ff9b::${ipv4}`,
  '6to4': (ipv4) => `2002:${hexOf(ipv4)}::1`,
  'Teredo server': (ipv4) => `2001:0:${hexOf(ipv4)}::1`,
  'ISATAP, local': (ipv4) => `2600:1:2:3:0:5efe:${hexOf(ipv4)}`,
  'ISATAP, global': (ipv4) => `2600:1:2:3:200:5efe:${hexOf(ipv4)}`,
};

function hexOf(ipv4: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number);
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
}

test.each(Object.entries(holders))('an IPv4 address in IPv6 (%s) is no public address', (_form, write) => {
  for (const ipv4 of inner) expect(isPublic(write(ipv4)), write(ipv4)).toBe(false);
});

test.each([
  ...['93.184.216.34', '8.8.8.8', '1.1.1.1', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0'],
  ...['172.15.255.255', '172.32.0.0', '192.0.1.0', '192.167.255.255', '198.17.255.255', '223.255.255.255'],
  ...['2001:4860:4860::8888', '2606:4700:4700::1111', '2a00:1450:4001::1', '2620:4f:7fff::1', '2003::1'],
  ...['2600:1:2:3:4:5efe:a00:1', '2001:200::1', '3ffd::1'],
])('%s is a public address', (address) => {
  expect(isPublic(address)).toBe(true);
});
