# SPDX-License-Identifier: BSD-2-Clause
"""Domain controllers of the tests: Samba's, with Exchange's schema.

The domain is provisioned once for a run of Python, with a sample of every kind
of recipient in it; each controller begins with a copy.  It listens on the fixed
ports of Active Directory, so each has a loopback address, and needs root.
"""

import os
import shutil

import exchange
from harness import IS_ROOT
from servers import Authority, Server, ldif_entry, new_directory, run

REALM = "EXAMPLE.TEST"
BASE = "DC=example,DC=test"
SCHEMA = f"CN=Schema,CN=Configuration,{BASE}"
PASSWORD = "Passw0rd-t3st"
ADMINISTRATOR_PASSWORD = "Passw0rd-adm1n"

PEOPLE = f"OU=People,{BASE}"
GROUPS = f"OU=Groups,{BASE}"
CONTACTS = f"OU=Contacts,{BASE}"
SERVICE = f"OU=Service,{BASE}"
HIDDEN = f"OU=Hidden,{BASE}"
BULK = f"OU=Bulk,{BASE}"

# userAccountControl: a normal account without a password; the same, disabled;
# one whose password does not expire; the same, disabled.
ENABLED, DISABLED = 544, 546
WITH_PASSWORD, WITH_PASSWORD_DISABLED = 66048, 66050

# So many users in OU=Bulk.
BULK_USERS = 1000


def user(name, *addresses, parent=PEOPLE, **more):
    """A user's entry; the first address is the primary one, and those with a
    type before them stay as they are."""
    attributes = {
        "objectClass": "user",
        "sAMAccountName": name[:20],
        "userAccountControl": ENABLED,
        "proxyAddresses": proxy_addresses(addresses),
        **more,
    }
    return f"CN={name},{parent}", attributes


def proxy_addresses(addresses):
    return [a if ":" in a else ("SMTP:" if i == 0 else "smtp:") + a
            for i, a in enumerate(addresses)]


def account(name, **more):
    """A service account with the password of all."""
    attributes = {"userAccountControl": WITH_PASSWORD, **more}
    return user(name, parent=SERVICE, userPrincipalName=f"{name}@example.test",
                clearTextPassword=PASSWORD.encode("utf-16le"), **attributes)


def group(name, *addresses, kind=8, members=(), **more):
    """8: a universal distribution group."""
    return f"CN={name},{GROUPS}", {
        "objectClass": "group", "sAMAccountName": name, "groupType": kind,
        "member": list(members), "proxyAddresses": proxy_addresses(addresses),
        **more}


def contact(name, *addresses, **more):
    return f"CN={name},{CONTACTS}", {
        "objectClass": "contact",
        "proxyAddresses": proxy_addresses(addresses), **more}


def population():
    for name in ("People", "Groups", "Contacts", "Service", "Hidden", "Bulk"):
        yield f"OU={name},{BASE}", {"objectClass": "organizationalUnit"}

    # Addresses in all their types and spellings.
    yield user("ann", "ann@d.example", "a.alias@d.example",
               "smtp:Ann.Mixed@D.Example", "sip:ann.sip@d.example",
               "X500:/o=Example/cn=ann.x500@d.example",
               "x400:C=US;A= ;P=Example;S=Ann;", "EUM:ann.eum@d.example",
               mail="ann@d.example", otherMailbox="ann.other@d.example",
               userPrincipalName="ann.upn@d.example")
    yield user("bob", "bob@d.example")
    yield user("secondary", "smtp:secondary@d.example")
    yield user("mail only", mail="mail.only@d.example")
    yield user("no mail")
    yield user("plus", "plus+tag@d.example")
    yield user("special", "smtp:star*(x)\\y@d.example",
               "smtp:o'neil@d.example", "smtp:hash#&|=@d.example")
    yield user("Jürg Müßig", "jürg@d.example", sAMAccountName="juerg")
    yield user("two domains", "two@d.example", "two@other.example")
    yield user("foreign", "foreign@not-ours.example")
    yield user("many", *(f"many{i}@d.example" for i in range(300)))

    # Disabled by design, and for other reasons.
    yield user("shared", "shared@d.example", userAccountControl=DISABLED,
               msExchRecipientTypeDetails=4)
    yield user("room", "room@d.example", userAccountControl=DISABLED,
               msExchRecipientTypeDetails=16)
    yield user("equipment", "equipment@d.example",
               userAccountControl=DISABLED, msExchRecipientTypeDetails=32)
    yield user("disabled", "disabled@d.example", userAccountControl=DISABLED)

    # What is no user.
    yield group("staff", "staff@d.example", "everybody@d.example",
                members=[f"CN=ann,{PEOPLE}", f"CN=bob,{PEOPLE}"])
    yield group("security", "security@d.example", kind=-2147483640)
    yield group("no mail group")
    yield f"CN=dynamic,{GROUPS}", {
        "objectClass": "msExchDynamicDistributionList",
        "msExchDynamicDLFilter": "(objectClass=user)",
        "proxyAddresses": ["SMTP:dynamic@d.example"]}
    yield f"CN=folder,{CONTACTS}", {
        "objectClass": "publicFolder",
        "proxyAddresses": ["SMTP:folder@d.example"]}
    yield contact("partner", "partner@b.example", "smtp:partner@d.example",
                  targetAddress="SMTP:partner@b.example")

    # Who may write to whom.
    yield contact("nuisance", "nuisance@b.example")
    yield contact("member", "member@b.example")
    yield contact("nested", "nested@b.example")
    yield group("inner", members=[f"CN=nested,{CONTACTS}"])
    yield group("club", members=[f"CN=member,{CONTACTS}", f"CN=inner,{GROUPS}"])
    yield user("internal", "internal@d.example",
               msExchRequireAuthToSendTo="TRUE")
    yield group("internal group", "internal.group@d.example",
                msExchRequireAuthToSendTo="TRUE")
    yield user("open", "open@d.example", msExchRequireAuthToSendTo="FALSE")
    yield user("auth-orig", "auth.orig@d.example",
               authOrig=f"CN=partner,{CONTACTS}")
    yield user("unauth-orig", "unauth.orig@d.example",
               unauthOrig=f"CN=nuisance,{CONTACTS}")
    yield group("submit", "submit@d.example",
                dLMemSubmitPerms=f"CN=club,{GROUPS}")
    yield group("reject", "reject@d.example",
                dLMemRejectPerms=f"CN=club,{GROUPS}")
    yield user("both", "both@d.example", authOrig=f"CN=partner,{CONTACTS}",
               dLMemSubmitPerms=f"CN=club,{GROUPS}",
               unauthOrig=f"CN=member,{CONTACTS}")
    yield user("small", "small@d.example", delivContLength=100)
    yield user("hidden", "hidden@d.example", parent=HIDDEN)

    # Who asks.
    yield account("svc")
    yield account("svc-sync")
    yield account("svc-locked")
    yield account("svc-disabled", userAccountControl=WITH_PASSWORD_DISABLED)
    yield account("svc-expired", accountExpires=130000000000000000)

    for i in range(BULK_USERS):
        yield user(f"bulk{i}", f"bulk{i}@d.example", f"b.{i}@d.example",
                   parent=BULK)


# Lets accounts read CN=Deleted Objects, which samba-tool dsacl cannot reach.
READ_DELETED = """
import sys
import ldb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

conf, path, base, *names = sys.argv[1:]
parameters = LoadParm()
parameters.load(conf)
sam = SamDB(url=path, session_info=system_session(parameters), lp=parameters)
dn = ldb.Dn(sam, "CN=Deleted Objects," + base)
controls = ["show_deleted:1", "sd_flags:1:4"]
found = sam.search(dn, scope=ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"],
                   controls=controls)
descriptor = ndr_unpack(security.descriptor,
                        found[0]["nTSecurityDescriptor"][0])
domain = security.dom_sid(sam.get_domain_sid())
for name in names:
    account = sam.search(base, expression=f"(sAMAccountName={name})",
                         attrs=["objectSid"])
    sid = ndr_unpack(security.dom_sid, account[0]["objectSid"][0])
    more = security.descriptor.from_sddl(f"D:(A;CI;RPLCLORC;;;{sid})", domain)
    descriptor.dacl_add(more.dacl.aces[0])
message = ldb.Message(dn)
message["nTSecurityDescriptor"] = ldb.MessageElement(
    ndr_pack(descriptor), ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor")
sam.modify(message, controls=controls)
"""


class Controller(Server):
    """A domain controller.

    `join` names another one: then it is one more of the same domain, with an
    invocationId of its own, instead of a copy of the sample.
    """

    SETTINGS = """
[global]
    netbios name = {host}
    realm = {realm}
    workgroup = EXAMPLE
    server role = active directory domain controller
    server services = ldap cldap kdc rpc
    interfaces = {address}/8
    bind interfaces only = yes
    disable netbios = yes
    private dir = {state}/private
    state directory = {state}/state
    cache directory = {state}/cache
    lock directory = {state}
    binddns dir = {state}/bind-dns
    pid directory = {directory}/run
    ncalrpc dir = {directory}/run/ncalrpc
    winbindd socket directory = {directory}/run/winbindd
    ntp signd socket directory = {directory}/run/ntp_signd
    usershare max shares = 0
    logging = file
    log file = {directory}/log
    log level = 1
    max log size = 0
    tls enabled = yes
    tls keyfile = {directory}/key.pem
    tls certfile = {directory}/certificate.pem
    tls cafile = {authority}
    allow dns updates = disabled
    dsdb:schema update allowed = yes
"""

    KERBEROS = """
[libdefaults]
    default_realm = {realm}
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
[realms]
    {realm} = {{
        kdc = {address}
    }}
[domain_realm]
    {address} = {realm}
    example.test = {realm}
"""

    def __init__(self, cleanup, authority, template=None, join=None,
                 host="DC1", address=None):
        if not IS_ROOT or shutil.which("samba-tool") is None:
            raise AssertionError(
                "this test needs root and the Debian packages samba-ad-dc, "
                "samba-ad-provision, samba-dsdb-modules, winbind, ldb-tools, "
                "ldap-utils, krb5-user and openssl")
        super().__init__(cleanup, "samba", address)
        self.host = host
        self.authority = authority
        self.state = self.path("state")
        self.certificates = authority.issue_for_server(
            self.address, f"{host.lower()}.example.test")
        self.show("good")
        self.write("smb.conf", self.SETTINGS.format(
            host=host, realm=REALM, address=self.address, state=self.state,
            directory=self.directory, authority=authority.file))
        self.kerberos = self.write("krb5.conf", self.KERBEROS.format(
            realm=REALM, address=self.address))
        for name in ("run", "run/ncalrpc"):
            os.mkdir(self.path(name), 0o755)
        if join is not None:
            self.join(join)
        elif template is not None:
            shutil.copytree(template, self.state, symlinks=True)
        if join is not None or template is not None:
            self.add_principal()

    def command(self):
        return ["/usr/sbin/samba", "-F", "-M", "single",
                "-s", self.path("smb.conf")]

    def administrator(self):
        return ["-x", "-H", self.ldaps, "-D", "Administrator@example.test",
                "-w", ADMINISTRATOR_PASSWORD]

    def serves(self):
        # It accepts connections before it answers.
        return self.accepts(636) and self.accepts(389) and "currentTime" in \
            run("ldapsearch", "-LLL", "-x", "-H", self.ldap, "-s", "base",
                "-b", "", "currentTime", accept=(0, 255))

    def show(self, which):
        """From the next start on it shows this certificate."""
        certificate, key = self.certificates[which]
        shutil.copy(certificate, self.path("certificate.pem"))
        shutil.copy(key, self.path("key.pem"))
        os.chmod(self.path("key.pem"), 0o600)

    @property
    def ldap(self):
        return f"ldap://{self.address}"

    @property
    def ldaps(self):
        return f"ldaps://{self.address}"

    # The database, as long as no process has it.

    def ldb(self, tool, text, *options):
        """One of ldb's tools on the database itself."""
        said = run(tool, f"--configfile={self.path('smb.conf')}", "-H",
                   os.path.join(self.state, "private/sam.ldb"), *options,
                   text=text)
        # They end with 0 although a record could not be read.
        if "ERR" in said or "Failed" in said:
            raise AssertionError(f"{tool}: {said[-2000:]}")

    def tool(self, *arguments):
        return run("samba-tool", *arguments, "-s", self.path("smb.conf"))

    def provision(self):
        seed = self.write("seed.conf", f"[global]\nnetbios name = {self.host}\n"
                          f"log file = {self.path('provision.log')}\n")
        run("samba-tool", "domain", "provision", "-s", seed,
            f"--realm={REALM}", "--domain=EXAMPLE", "--server-role=dc",
            "--dns-backend=NONE", f"--adminpass={ADMINISTRATOR_PASSWORD}",
            f"--host-name={self.host.lower()}", f"--host-ip={self.address}",
            f"--targetdir={self.state}",
            f"--option=interfaces={self.address}/8",
            "--option=bind interfaces only=yes")
        os.makedirs(os.path.join(self.state, "cache"), exist_ok=True)

    def populate(self):
        attributes, may_contain, classes = \
            exchange.active_directory_schema(SCHEMA)
        self.ldb("ldbadd", attributes)
        self.ldb("ldbmodify", may_contain)
        self.ldb("ldbadd", classes)
        self.tool("domain", "passwordsettings", "set", "--max-pwd-age=0",
                  "--min-pwd-age=0", "--account-lockout-threshold=3",
                  "--account-lockout-duration=30",
                  "--reset-account-lockout-after=30")
        self.ldb("ldbadd", "".join(ldif_entry(*one) for one in population()),
                 "-o", "batch_mode:1")
        # Replicating Directory Changes.
        self.allow(BASE, "OA;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;",
                   "svc-sync")
        self.allow(HIDDEN, "D;OICI;RPLCLORC;;", "svc")
        run("/usr/bin/python3", "-c", READ_DELETED, self.path("smb.conf"),
            os.path.join(self.state, "private/sam.ldb"), BASE, "svc-sync")

    def allow(self, dn, rule, name):
        """Adds an access rule about an account."""
        sid = run("ldbsearch", f"--configfile={self.path('smb.conf')}", "-H",
                  os.path.join(self.state, "private/sam.ldb"), "-b", BASE,
                  f"(sAMAccountName={name})", "objectSid")
        sid = sid.partition("objectSid: ")[2].split()[0]
        self.tool("dsacl", "set", "-H",
                  os.path.join(self.state, "private/sam.ldb"),
                  f"--objectdn={dn}", f"--sddl=({rule};{sid})")

    def join(self, other):
        seed = self.write("seed.conf", f"""
[global]
    netbios name = {self.host}
    realm = {REALM}
    workgroup = EXAMPLE
    interfaces = {self.address}/8
    bind interfaces only = yes
    log file = {self.path('provision.log')}
""")
        run("samba-tool", "domain", "join", REALM.lower(), "DC", "-s", seed,
            f"--server={other.address}",
            f"-UAdministrator%{ADMINISTRATOR_PASSWORD}", "--dns-backend=NONE",
            f"--targetdir={self.state}",
            f"--option=interfaces={self.address}/8",
            "--option=bind interfaces only=yes")
        os.makedirs(os.path.join(self.state, "cache"), exist_ok=True)

    def replicate_from(self, other):
        """Takes over what has changed there; without a name service they do
        not find each other by themselves."""
        self.tool("drs", "replicate", "--local", self.address, other.address,
                  BASE, f"-UAdministrator%{ADMINISTRATOR_PASSWORD}")

    def add_principal(self):
        """Kerberos finds the server by its address."""
        self.ldb("ldbmodify", f"dn: CN={self.host},OU=Domain Controllers,"
                 f"{BASE}\nchangetype: modify\nadd: servicePrincipalName\n"
                 f"servicePrincipalName: ldap/{self.address}\n")

    def set_back(self, domain):
        """Its database is again what it was at first; it must not run."""
        shutil.rmtree(self.state)
        shutil.copytree(domain.template, self.state, symlinks=True)
        self.add_principal()

    def keytab(self, name, path):
        self.tool("domain", "exportkeytab", path, f"--principal={name}")
        return path


class Domain:
    """A provisioned and populated domain, from which controllers begin."""

    def __init__(self, cleanup):
        self.cleanup = cleanup
        self.authority = Authority(cleanup)
        self.directory = new_directory(cleanup, "domain")
        self.template = os.path.join(self.directory, "template")
        first = Controller(cleanup, self.authority)
        first.provision()
        first.populate()
        shutil.move(first.state, self.template)

    def controller(self, cleanup=None, **more):
        return Controller(cleanup or self.cleanup, self.authority,
                          template=self.template, **more)

    def another(self, controller, cleanup=None):
        """A second controller of the domain of a running one."""
        return Controller(cleanup or self.cleanup, self.authority,
                          join=controller, host="DC2")
