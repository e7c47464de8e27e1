/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is built from a configuration: the policies that the modules take.
 */
#pragma once

#include "conf_keys.h"
#include "engine.h"
#include "ldap_directory.h"
#include "ldap_settings.h"
#include "replica.h"
#include "session.h"

/* A new engine of this configuration, held once by the caller. */
struct engine *conf_engine(const struct conf *conf,
    const struct engine_parts *parts);

struct session_limits conf_session_limits(const struct conf *conf);

/* How the directory is reached; the caller frees it. */
struct ldap_settings *conf_ldap_settings(const struct conf *conf);

struct ldap_directory_policy conf_ldap_directory_policy(
    const struct conf *conf);

struct replica_policy conf_replica_policy(const struct conf *conf);
