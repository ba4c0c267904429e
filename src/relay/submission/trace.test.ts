import { describe, expect, test } from "vitest";
import { showsPrivateNetwork } from "./trace.ts";

describe("a private network is seen", () => {
  test.each([
    "from [192.168.1.5] by a.test; now",
    "from x (HELO y) (10.1.2.3) by a.test",
    "from x ([172.31.255.255]:2525) by a.test",
    "from x (unknown [100.64.0.1]) by a.test",
    "from x (169.254.1.1) by a.test",
    "from x ([127.0.0.1]) by a.test",
    "from x ([IPv6:::1]) by a.test",
    "from x ([::1]) by a.test",
    "from x (ipv6:FD00::12) by a.test",
    "from x ([fe80::1%eth0]) by a.test",
    "from x ([IPv6:::ffff:10.0.0.1]) by a.test",
    "from x ([0:0:0:0:0:0:0:1]) by a.test",
    "from x\r\n\t(fc00::1)\r\n\tby a.test; now",
    "from localhost (a.test) by b.test",
    "from pds (localhost.localdomain [8.8.8.8]) by b.test",
    "from worker.internal by a.test",
    "from nas.home.arpa (a.test [8.8.8.8])",
  ])("%s", (field) => expect(showsPrivateNetwork(`Received: ${field}`)).toBe(true));
});

describe("a public trace stays", () => {
  test.each([
    "from mail.b.test ([93.184.216.34]) by a.test; Thu, 01 Jan 2026 12:00:00 +0000",
    "by b.test (Postfix 3.10.1) with ESMTPSA id 10.2; now",
    "from x ([IPv6:2606:4700::1111]) by a.test; 12:34:56 +0100",
    "from x ([172.32.0.1]) by a.test",
    "from internal.example.com by locals.test",
  ])("%s", (field) => expect(showsPrivateNetwork(`Received: ${field}`)).toBe(false));
});
