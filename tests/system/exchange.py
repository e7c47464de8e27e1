# SPDX-License-Identifier: BSD-2-Clause
"""The part of Exchange's schema that has to do with recipients.

The object identifiers are Exchange's own.  Active Directory has proxyAddresses
and mail by itself; the rest comes with Exchange.
"""

import collections

from servers import ldif_entry

Attribute = collections.namedtuple("Attribute",
                                   "name cn oid kind single link")

# How Active Directory calls the kinds: attributeSyntax, oMSyntax and, for
# those that name an object, oMObjectClass.
SYNTAXES = {
    "text": ("2.5.5.12", 64, None),
    "boolean": ("2.5.5.8", 1, None),
    "integer": ("2.5.5.9", 2, None),
    "large": ("2.5.5.16", 65, None),
    "dn": ("2.5.5.1", 127, bytes.fromhex("2b0c0287731c00854a")),
    "or-name": ("2.5.5.7", 127, bytes.fromhex("56060102050b1d")),
}

# An odd link is the back link of the attribute before it.
ATTRIBUTES = [Attribute(*row) for row in (
    ("authOrig", "ms-Exch-Auth-Orig",
     "1.2.840.113556.1.2.129", "or-name", False, 110),
    ("authOrigBL", "ms-Exch-Auth-Orig-BL",
     "1.2.840.113556.1.2.290", "dn", False, 111),
    ("dLMemSubmitPerms", "ms-Exch-DL-Mem-Submit-Perms",
     "1.2.840.113556.1.2.144", "or-name", False, 112),
    ("dLMemSubmitPermsBL", "ms-Exch-DL-Mem-Submit-Perms-BL",
     "1.2.840.113556.1.2.291", "dn", False, 113),
    ("unauthOrig", "ms-Exch-Unauth-Orig",
     "1.2.840.113556.1.2.221", "or-name", False, 114),
    ("unauthOrigBL", "ms-Exch-Unauth-Orig-BL",
     "1.2.840.113556.1.2.292", "dn", False, 115),
    ("dLMemRejectPerms", "ms-Exch-DL-Mem-Reject-Perms",
     "1.2.840.113556.1.2.47", "or-name", False, 116),
    ("dLMemRejectPermsBL", "ms-Exch-DL-Mem-Reject-Perms-BL",
     "1.2.840.113556.1.2.293", "dn", False, 117),
    ("delivContLength", "ms-Exch-Deliv-Cont-Length",
     "1.2.840.113556.1.2.138", "integer", True, None),
    ("targetAddress", "ms-Exch-Target-Address",
     "1.2.840.113556.1.2.352", "text", True, None),
    ("mailNickname", "ms-Exch-Mail-Nickname",
     "1.2.840.113556.1.2.447", "text", True, None),
    ("msExchRequireAuthToSendTo", "ms-Exch-RequireAuthToSendTo",
     "1.2.840.113556.1.4.5062", "boolean", True, None),
    ("msExchRecipientTypeDetails", "ms-Exch-Recipient-Type-Details",
     "1.2.840.113556.1.4.7000.102.50855", "large", True, None),
    ("msExchRecipientDisplayType", "ms-Exch-Recipient-Display-Type",
     "1.2.840.113556.1.4.7000.102.50730", "integer", True, None),
    ("msExchDynamicDLFilter", "ms-Exch-Dynamic-DL-Filter",
     "1.2.840.113556.1.4.7000.102.12544", "text", True, None),
)]

Class = collections.namedtuple("Class", "name cn oid")

# Recipients that are neither users nor groups nor contacts.
CLASSES = [Class(*row) for row in (
    ("msExchDynamicDistributionList", "ms-Exch-Dynamic-Distribution-List",
     "1.2.840.113556.1.5.7000.62.12006"),
    ("publicFolder", "ms-Exch-Public-Folder", "1.2.840.113556.1.3.15"),
)]


def is_back_link(attribute):
    return attribute.link is not None and attribute.link % 2 == 1


def attribute_entry(attribute, schema):
    syntax, om_syntax, om_class = SYNTAXES[attribute.kind]
    return ldif_entry(f"CN={attribute.cn},{schema}", {
        "objectClass": "attributeSchema",
        "lDAPDisplayName": attribute.name,
        "adminDisplayName": attribute.cn,
        "attributeID": attribute.oid,
        "attributeSyntax": syntax,
        "oMSyntax": om_syntax,
        "oMObjectClass": om_class,
        "isSingleValued": str(attribute.single).upper(),
        "linkID": attribute.link,
        "showInAdvancedViewOnly": "TRUE",
    })


def class_entry(one, schema):
    return ldif_entry(f"CN={one.cn},{schema}", {
        "objectClass": "classSchema",
        "lDAPDisplayName": one.name,
        "adminDisplayName": one.cn,
        "governsID": one.oid,
        "subClassOf": "top",
        "objectClassCategory": 1,
        "rDNAttID": "cn",
        "auxiliaryClass": "mailRecipient",
        "possSuperiors": ["organizationalUnit", "container"],
        "mayContain": ["mail"],
        # Authenticated users may read.
        "defaultSecurityDescriptor": "D:(A;;RPLCLORC;;;AU)"
                                     "(A;;RPWPCRCCDCLCLORCWOWDSDDTSW;;;SY)",
        "defaultObjectCategory": f"CN={one.cn},{schema}",
    })


def active_directory_schema(schema):
    """LDIF for Active Directory in steps; each needs the one before it."""
    may_contain = "".join(
        f"dn: CN={owner},{schema}\nchangetype: modify\nadd: mayContain\n" +
        "".join(f"mayContain: {a.name}\n" for a in ATTRIBUTES
                if is_back_link(a) == back) + "\n"
        for owner, back in (("Mail-Recipient", False), ("Top", True)))
    return (
        "".join(attribute_entry(a, schema) for a in ATTRIBUTES),
        may_contain,
        "".join(class_entry(c, schema) for c in CLASSES),
    )
