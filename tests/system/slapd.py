# SPDX-License-Identifier: BSD-2-Clause
"""OpenLDAP servers of the tests, with recipients as sites keep them there."""

import os
import shutil

import exchange
from harness import free_port
from servers import Server, ldif_entry, run

BASE = "dc=example,dc=test"
PASSWORD = "Passw0rd-t3st"
ADMINISTRATOR = f"cn=admin,{BASE}"
ADMINISTRATOR_PASSWORD = "Passw0rd-adm1n"

PEOPLE = f"ou=People,{BASE}"
GROUPS = f"ou=Groups,{BASE}"
SERVICE = f"ou=Service,{BASE}"
HIDDEN = f"ou=Hidden,{BASE}"

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

TEXT = ("EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch "
        "SYNTAX 1.3.6.1.4.1.1466.115.121.1.15")
NAME = ("EQUALITY distinguishedNameMatch "
        "SYNTAX 1.3.6.1.4.1.1466.115.121.1.12")
INTEGER = ("EQUALITY integerMatch ORDERING integerOrderingMatch "
           "SYNTAX 1.3.6.1.4.1.1466.115.121.1.27")
BOOLEAN = "EQUALITY booleanMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.7"

SYNTAXES = {"text": TEXT, "dn": NAME, "or-name": NAME, "integer": INTEGER,
            "large": INTEGER, "boolean": BOOLEAN}


def schema():
    """Active Directory's attributes, with their own identifiers but with
    matching rules, which OpenLDAP's msuser.schema lacks: without them no filter
    for an address matches.  And the attributes of two usual schemas."""
    attributes = [
        ("1.2.840.113556.1.2.210", "proxyAddresses", TEXT),
        ("1.2.840.113556.1.4.8", "userAccountControl",
         f"{INTEGER} SINGLE-VALUE"),
        ("2.16.840.1.113730.3.1.13", "mailAlternateAddress",
         "EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26"),
        # postfix-book.
        ("1.3.6.1.4.1.29426.1.10.2", "mailAlias", TEXT),
        ("1.3.6.1.4.1.29426.1.10.5", "mailEnabled", f"{BOOLEAN} SINGLE-VALUE"),
    ]
    attributes += [
        (a.oid, a.name,
         SYNTAXES[a.kind] + (" SINGLE-VALUE" if a.single else ""))
        for a in exchange.ATTRIBUTES if not exchange.is_back_link(a)]
    names = " $ ".join(["mail", "displayName", "owner"] +
                       [name for _, name, _ in attributes])
    return "".join(f"attributetype ( {oid} NAME '{name}' {syntax} )\n"
                   for oid, name, syntax in attributes) + f"""
objectclass ( 1.3.6.1.4.1.4203.666.11.9999.1 NAME 'testRecipient'
    SUP top AUXILIARY MAY ( {names} ) )
objectclass ( 1.3.6.1.4.1.29426.1.2.2.1 NAME 'PostfixBookMailAccount'
    SUP top AUXILIARY MUST mail MAY ( {names} ) )
objectclass ( 1.3.6.1.4.1.29426.1.2.2.2 NAME 'PostfixBookMailForward'
    SUP top AUXILIARY MUST mail MAY ( {names} ) )
"""


def person(name, mail=None, *classes, parent=PEOPLE, **more):
    return f"uid={name},{parent}", {
        "objectClass": ["inetOrgPerson", "testRecipient", *classes],
        "uid": name, "cn": name, "sn": name, "mail": mail, **more}


def group(name, mail, members, *classes, **more):
    return f"cn={name},{GROUPS}", {
        "objectClass": ["groupOfNames", "testRecipient", *classes],
        "cn": name, "mail": mail, "member": members, **more}


def account(name, **more):
    return f"cn={name},{SERVICE}", {
        "objectClass": ["organizationalRole", "simpleSecurityObject"],
        "cn": name, "userPassword": PASSWORD, **more}


def population():
    yield BASE, {"objectClass": ["dcObject", "organization"],
                 "o": "Example", "dc": "example"}
    for name in ("People", "Groups", "Service", "Hidden"):
        yield f"ou={name},{BASE}", {"objectClass": "organizationalUnit",
                                    "ou": name}
    yield person("ann", ["ann@d.example", "Ann.Mixed@D.Example"],
                 mailAlternateAddress="ann.alternate@d.example",
                 proxyAddresses=["SMTP:ann@d.example",
                                 "smtp:ann.proxy@d.example",
                                 "sip:ann.sip@d.example"])
    yield person("bob", "bob@d.example",
                 proxyAddresses="SMTP:bob@d.example")
    yield person("nomail")
    yield person("special", ["star*(x)\\y@d.example", "o'neil@d.example"])
    yield person("hidden", "hidden@d.example", parent=HIDDEN)
    yield person("book", "book@d.example", "PostfixBookMailAccount",
                 mailAlias="book.alias@d.example", mailEnabled="TRUE")
    yield person("shut", "shut@d.example", "PostfixBookMailAccount",
                 mailAlias="shut.alias@d.example", mailEnabled="FALSE")
    yield person("forward", "forward@d.example", "PostfixBookMailForward",
                 mailAlias="forward.alias@d.example")
    yield person("many", [f"many{i}@d.example" for i in range(300)])
    yield person("partner", "partner@b.example")
    yield group("staff", "staff@d.example",
                [f"uid=ann,{PEOPLE}", f"uid=partner,{PEOPLE}"])
    # Exchange's attributes mean the same here.
    yield person("internal", "internal@d.example",
                 msExchRequireAuthToSendTo="TRUE")
    yield person("small", "small@d.example", delivContLength=1)
    yield person("private", "private@d.example",
                 authOrig=f"uid=partner,{PEOPLE}")
    # What the project's own schema says of a recipient.
    own = "policydRecipient"
    yield person("choosy", "choosy@d.example", own,
                 policydRefusedSender=["nuisance@b.example", "@c.example"],
                 policydAllowedSender="friend@c.example")
    yield person("off", "off@d.example", own, policydGreylist="off")
    yield person("slow", "slow@d.example", own, policydDelay=1234)
    for name in ("svc", "svc-limited"):
        yield account(name)


class Slapd(Server):
    """An OpenLDAP server.

    `entries` are what it begins with; `settings` and `database` are further
    lines of slapd.conf, of all and of the database.
    """

    CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include {directory}/test.schema
include {root}/schema/policyd.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
pidfile {directory}/slapd.pid
argsfile {directory}/slapd.args
TLSCACertificateFile {authority}
TLSCertificateFile {directory}/certificate.pem
TLSCertificateKeyFile {directory}/key.pem
TLSVerifyClient try
authz-regexp "^cn=([^,]+)$" "cn=$1,{service}"
serverID 1
conn_max_pending 1000
{settings}
database mdb
suffix "{base}"
rootdn "{administrator}"
rootpw {password}
directory {directory}/database
maxsize 4294967296
# A test needs no database that survives a power failure.
dbnosync
index objectClass,entryCSN,entryUUID eq
index mail,mailAlternateAddress,mailAlias,proxyAddresses,uid,cn,member eq
limits dn.exact="cn=svc-limited,{service}" size=10
limits dn.exact="cn=svc,{service}" size=unlimited time=unlimited
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="{hidden}" by * none
access to * by dn.exact="cn=svc,{service}" read
    by dn.exact="cn=svc-limited,{service}" read
    by anonymous {anonymous} by * none
{database}
overlay syncprov
syncprov-checkpoint 100 1
syncprov-sessionlog 10000
"""

    def __init__(self, cleanup, authority, entries=None, settings="",
                 database="", anonymous="auth", address=None):
        if not os.access("/usr/sbin/slapd", os.X_OK):
            raise AssertionError("this test needs the Debian packages slapd "
                                 "and ldap-utils")
        # Its ports may be above those that need root.
        super().__init__(cleanup, "slapd", address)
        self.port = free_port(self.address)
        self.tls_port = free_port(self.address)
        self.authority = authority
        self.certificates = authority.issue_for_server(
            self.address, "ldap1.example.test")
        self.show("good")
        self.write("test.schema", schema())
        os.mkdir(self.path("database"))
        self.write("slapd.conf", self.CONFIGURATION.format(
            directory=self.directory, root=ROOT, authority=authority.file,
            service=SERVICE, hidden=HIDDEN, base=BASE, settings=settings,
            administrator=ADMINISTRATOR, password=ADMINISTRATOR_PASSWORD,
            database=database, anonymous=anonymous))
        self.load(population() if entries is None else entries)

    def load(self, entries):
        """Fills the database, while no process has it.  With -w and the number
        of the server, what clients have synchronized stays valid."""
        with open(self.path("load.ldif"), "w") as f:
            f.writelines(ldif_entry(*one) for one in entries)
        run("/usr/sbin/slapadd", "-q", "-w", "-S", "1", "-f",
            self.path("slapd.conf"), "-l", self.path("load.ldif"))

    def command(self):
        return ["/usr/sbin/slapd", "-f", self.path("slapd.conf"), "-d", "none",
                "-h", f"{self.ldap} {self.ldaps} {self.ldapi}"]

    def administrator(self):
        return ["-x", "-H", self.ldapi, "-D", ADMINISTRATOR,
                "-w", ADMINISTRATOR_PASSWORD]

    def serves(self):
        return self.accepts(self.port) and self.accepts(self.tls_port)

    def show(self, which):
        """From the next start on it shows this certificate."""
        certificate, key = self.certificates[which]
        shutil.copy(certificate, self.path("certificate.pem"))
        shutil.copy(key, self.path("key.pem"))

    @property
    def ldap(self):
        return f"ldap://{self.address}:{self.port}"

    @property
    def ldaps(self):
        return f"ldaps://{self.address}:{self.tls_port}"

    @property
    def ldapi(self):
        return "ldapi://" + self.path("ldapi").replace("/", "%2F")

    def forget(self):
        """Empties the database; the server must not run."""
        shutil.rmtree(self.path("database"))
        os.mkdir(self.path("database"))
