/* What `uketsuke` can do, and what its configuration may say. To add a command: write
 * intake/commands/<name>.c with a `const struct command <name>_command`, add it to
 * intake/meson.build, and name it twice here. */
#include <stdio.h>
#include <string.h>

#include "base/audit.h"
#include "base/db.h"
#include "intake/command.h"
#include "intake/console/common_base.h"
#include "intake/console/console.h"
#include "intake/escalation.h"
#include "intake/examine.h"
#include "intake/examiner_process.h"
#include "intake/identify/role.h"
#include "intake/package.h"
#include "intake/registry/import.h"
#include "intake/revocation.h"
#include "intake/staff/staff.h"
#include "intake/work.h"
#include "routing/files.h"
#include "routing/portal.h"
#include "routing/report.h"
#include "routing/route.h"
#include "routing/server.h"

extern const struct command application_approve_command;
extern const struct command application_confirm_command;
extern const struct command application_correct_command;
extern const struct command application_hold_command;
extern const struct command application_identify_command;
extern const struct command application_refuse_command;
extern const struct command application_reroute_command;
extern const struct command application_resend_command;
extern const struct command routing_resend_command;
extern const struct command application_withdraw_command;
extern const struct command collect_command;
extern const struct command audit_checkpoint_command;
extern const struct command audit_key_create_command;
extern const struct command audit_annual_command;
extern const struct command audit_archive_command;
extern const struct command audit_list_command;
extern const struct command audit_verify_command;
extern const struct command backup_take_out_command;
extern const struct command backup_approve_command;
extern const struct command backup_return_command;
extern const struct command backup_list_command;
extern const struct command retention_list_command;
extern const struct command retention_run_command;
extern const struct command certificate_check_command;
extern const struct command certificate_show_command;
extern const struct command checkpoint_command;
extern const struct command config_check_command;
extern const struct command config_reference_command;
extern const struct command console_command;
extern const struct command db_upgrade_command;
extern const struct command examine_command;
extern const struct command examine_worker_command;
extern const struct command forms_check_command;
extern const struct command forms_describe_command;
extern const struct command forms_render_command;
extern const struct command identify_command;
extern const struct command key_create_command;
extern const struct command registry_approve_command;
extern const struct command registry_import_command;
extern const struct command registry_reconcile_command;
extern const struct command registry_refold_command;
extern const struct command registry_search_command;
extern const struct command registry_status_command;
extern const struct command list_command;
extern const struct command report_command;
extern const struct command revocation_command;
extern const struct command revocation_status_command;
extern const struct command revocation_update_command;
extern const struct command routing_batch_command;
extern const struct command routing_check_command;
extern const struct command routing_command;
extern const struct command routing_export_command;
extern const struct command routing_list_command;
extern const struct command routing_reconcile_command;
extern const struct command routing_report_command;
extern const struct command serve_command;
extern const struct command show_command;
extern const struct command signature_check_command;
extern const struct command status_command;
extern const struct command terminal_add_command;
extern const struct command terminal_approve_command;
extern const struct command terminal_retire_command;
extern const struct command user_add_command;
extern const struct command user_approve_command;
extern const struct command user_code_command;
extern const struct command user_disable_command;
extern const struct command user_right_command;
extern const struct command verify_command;

#define WORDS_MOST   3 /* "audit key create" */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* One to a line, so that branches merge. */
/* clang-format off */

/* The roles: each runs until it is told to stop. */
static const struct command *const roles[] = {
    &serve_command,
    &collect_command,
    &examine_command,
    &identify_command,
    &routing_command,
    &console_command,
    &report_command,
    &revocation_command,
    &checkpoint_command,
};

/* Looking, and working on single applications. */
static const struct command *const work[] = {
    &status_command,
    &list_command,
    &show_command,
    &routing_batch_command,
    &routing_export_command,
    &routing_list_command,
    &routing_reconcile_command,
    &routing_report_command,
    &verify_command,
    &certificate_check_command,
    &forms_check_command,
    &forms_describe_command,
    &forms_render_command,
    &certificate_show_command,
    &registry_search_command,
    &signature_check_command,
};

/* What staff decide (intake/staff/). */
static const struct command *const staff[] = {
    &application_approve_command,
    &application_identify_command,
    &application_confirm_command,
    &application_correct_command,
    &application_refuse_command,
    &application_withdraw_command,
    &application_hold_command,
    &application_resend_command,
    &routing_resend_command,
    &application_reroute_command,
};

/* Setting up and keeping house. */
static const struct command *const upkeep[] = {
    &config_check_command,
    &config_reference_command,
    &routing_check_command,
    &revocation_status_command,
    &revocation_update_command,
    &key_create_command,
    &db_upgrade_command,
    &registry_import_command,
    &registry_approve_command,
    &registry_status_command,
    &registry_reconcile_command,
    &registry_refold_command,
    &user_add_command,
    &user_approve_command,
    &user_right_command,
    &user_code_command,
    &user_disable_command,
    &terminal_add_command,
    &terminal_approve_command,
    &terminal_retire_command,
    &audit_key_create_command,
    &audit_checkpoint_command,
    &audit_verify_command,
    &audit_list_command,
    &audit_annual_command,
    &audit_archive_command,
    &backup_take_out_command,
    &backup_approve_command,
    &backup_return_command,
    &backup_list_command,
    &retention_list_command,
    &retention_run_command,
};

/* Started by other commands, and not in the help. */
static const struct command *const internal[] = {
    &examine_worker_command,
};

const struct command_group command_groups[] = {
    {"Run the server", roles, COUNT(roles)},
    {"Look at applications", work, COUNT(work)},
    {"Decide about an application", staff, COUNT(staff)},
    {"Set up and keep house", upkeep, COUNT(upkeep)},
};
const size_t command_group_count = COUNT(command_groups);

/* In the order of docs/configuration.md. */
const struct config_section *const config_sections[] = {
    &city_config_section,
    &db_config_section,
    &log_config_section,
    &process_config_section,
    &work_config_section,
    &identify_config_section,
    &audit_config_section,
    &channel_config_section,
    &package_config_section,
    &examine_config_section,
    &trust_config_section,
    &revocation_config_section,
    &revocation_list_config_section,
    &registry_config_section,
    &staff_config_section,
    &forms_config_section,
    &procedure_config_section,
    &routing_config_section,
    &destination_config_section,
    &files_config_section,
    &route_config_section,
    &report_config_section,
    &escalation_config_section,
    &console_config_section,
    &common_base_config_section,
};
/* clang-format on */
const size_t config_section_count = COUNT(config_sections);

static const struct command *named_in(const struct command *const *commands, size_t count,
                                      const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static const struct command *named(const char *name)
{
    const struct command *command = named_in(internal, COUNT(internal), name);
    for (size_t g = 0; !command && g < command_group_count; g++)
        command = named_in(command_groups[g].commands, command_groups[g].count, name);
    return command;
}

const struct command *command_find(int argc, char *const *argv, int *ret_words)
{
    for (int words = argc < WORDS_MOST ? argc : WORDS_MOST; words > 0; words--) {
        char name[128] = "";
        size_t length = 0;
        for (int i = 0; i < words && length < sizeof name; i++)
            length += (size_t)snprintf(name + length, sizeof name - length, "%s%s", i ? " " : "",
                                       argv[i]);
        const struct command *command = length < sizeof name ? named(name) : NULL;
        if (command) {
            *ret_words = words;
            return command;
        }
    }
    return NULL;
}
