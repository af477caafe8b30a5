import ipaddr from 'ipaddr.js';

/*
 * What is no public host: the special-purpose blocks of the registries of IANA (RFC 6890), multicast, and what may
 * hold an IPv4 address of an inner network.
 * https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
 */
const refusedV4 = [
  // This network, private networks, carriers, this machine, link-local.
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  // Protocol assignments, documentation, AS112, AMT, relays of 6to4.
  ...['192.0.0.0/24', '192.0.2.0/24', '192.31.196.0/24', '192.52.193.0/24', '192.88.99.0/24'],
  ...['192.168.0.0/16', '192.175.48.0/24', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  // Multicast, what is reserved, broadcast.
  ...['224.0.0.0/4', '240.0.0.0/4'],
  // Azure's own service inside every virtual network; the range it lies in is public.
  '168.63.129.16/32',
].map((block) => ipaddr.IPv4.parseCIDR(block));

/** What is public in IPv6 lies in here, apart from the blocks below. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');
const refusedV6 = [
  // Protocol assignments with Teredo, benchmarks and ORCHID; documentation; 6to4; AS112; the former 6bone.
  ...['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3ffe::/16', '3fff::/20'],
].map((block) => ipaddr.IPv6.parseCIDR(block));

/** The third quarter of an address of ISATAP, whose last quarter is an IPv4 address: `0000:5efe` and `0200:5efe`. */
const isatap = [0x0000, 0x0200];

/** Whether an address, as a resolver gives it, is one of the public internet. */
export function isPublic(text: string): boolean {
  const address = ipaddr.parse(text);
  if (address instanceof ipaddr.IPv4) return !refusedV4.some((block) => address.match(block));
  const [, , , , fifth = 0, sixth] = address.parts;
  const holdsIPv4 = sixth === 0x5efe && isatap.includes(fifth);
  return address.match(globalUnicast) && !holdsIPv4 && !refusedV6.some((block) => address.match(block));
}
