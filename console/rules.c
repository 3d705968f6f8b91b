/* SPDX-License-Identifier: BSD-3-Clause */
/* Completion rules for shells. Names of commands stand in them; what a word behind may become (tasks, jobs,
 * hosts, options) they ask the program, which asks the virtual machine. */
#include "cmd.h"

#include <stdio.h>

/* In single quotes. */
static void put_quoted(const char *text)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*text);
}

static void put_commands_of_programs(const char *separator)
{
    const char *between = "";
    for (const struct cmd *const *c = cmd_table; *c; c++)
        if ((*c)->words & WORDS_PROGRAM) {
            printf("%s%s", between, (*c)->name);
            between = separator;
        }
}

void rules_bash(void)
{
    puts("# bash completion for pvmx; made by pvmx help -b\n"
         "_pvmx()\n{\n"
         "    local cur=${COMP_WORDS[COMP_CWORD]} i=1 vm=()\n"
         "    COMPREPLY=()\n"
         "    COMP_WORDBREAKS=${COMP_WORDBREAKS//:}\n"
         "    while [ $i -lt \"$COMP_CWORD\" ]; do\n"
         "        case ${COMP_WORDS[i]} in\n"
         "        --vm) vm=(--vm \"${COMP_WORDS[i+1]}\"); i=$((i + 2));;\n"
         "        -f) i=$((i + 2));;\n"
         "        --*) i=$((i + 1));;\n"
         "        *) break;;\n"
         "        esac\n"
         "    done\n"
         "    if [ $i -ge \"$COMP_CWORD\" ]; then\n"
         "        mapfile -t COMPREPLY < <(compgen -W '--vm --json --help -f");
    describe_names();
    puts("' -- \"$cur\")\n"
         "        return\n"
         "    fi\n"
         "    mapfile -t COMPREPLY < <(\"${COMP_WORDS[0]}\" \"${vm[@]}\" help -c -- "
         "\"${COMP_WORDS[@]:i:COMP_CWORD-i+1}\" 2>/dev/null\n"
         "        case ${COMP_WORDS[i]} in");
    fputs("        ", stdout);
    put_commands_of_programs("|");
    puts(") compgen -c -- \"$cur\";;\n"
         "        esac)\n"
         "}\ncomplete -o filenames -F _pvmx pvmx");
}

void rules_zsh(void)
{
    puts("#compdef pvmx\n# zsh completion for pvmx; made by pvmx help -z\n"
         "_pvmx() {\n"
         "    local -i i=2\n"
         "    local -a vm commands choices\n"
         "    while (( i < CURRENT )); do\n"
         "        case $words[i] in\n"
         "        --vm) vm=(--vm \"$words[i+1]\"); (( i += 2 ));;\n"
         "        -f) (( i += 2 ));;\n"
         "        --*) (( i += 1 ));;\n"
         "        *) break;;\n"
         "        esac\n"
         "    done\n"
         "    if (( i >= CURRENT )); then\n"
         "        commands=(");
    for (const struct cmd *const *c = cmd_table; *c; c++) {
        printf("            '%s:", (*c)->name);
        put_quoted((*c)->summary);
        puts("'");
    }
    puts("        )\n"
         "        _describe command commands\n"
         "        compadd -- --vm --json --help\n"
         "        return\n"
         "    fi\n"
         "    choices=(${(f)\"$($words[1] $vm help -c -- \"${(@)words[i,CURRENT]}\" "
         "2>/dev/null)\"})\n"
         "    compadd -- $choices\n"
         "    case $words[i] in");
    fputs("    ", stdout);
    put_commands_of_programs("|");
    puts(") _command_names -e; _files;;\n"
         "    esac\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _pvmx ]; then\n    _pvmx \"$@\"\nelse\n    compdef "
         "_pvmx pvmx\nfi");
}
