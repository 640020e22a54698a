/*
 * A run that goes on: what is done is taken from the journal, tasks that were launched are asked
 * about under the framework id that they have, and printing goes on where it stopped.
 *
 * Where it stopped is known exactly for a stdout that is a regular file: it has grown by what was
 * printed since the process of before began. For anything else the journal's last position tells,
 * which is written right after each write.
 */
#include "cli/each.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const uint64_t no_file = UINT64_MAX;

/* A stdout, as START tells it: "PREFIX DEVICE INODE PATH". */
struct stdout_name {
    char prefix[9];
    uint64_t device, inode;
    char path[PATH_MAX];
};

struct resume {
    struct each *each;
    struct each_journal_record *launches; /* by line; kind 0: none */
    struct each_journal_record *done;
    struct each_journal_record framework, start, position;
    struct stdout_name name; /* of the process before */
};

static void visit(void *self, const struct each_journal_record *record) {
    struct resume *resume = self;
    size_t lines = resume->each->input.lines.count;
    switch (record->kind) {
    case JOURNAL_BEGIN: break;
    case JOURNAL_START:
        resume->start = *record;
        resume->position = *record;
        break;
    case JOURNAL_FRAMEWORK: resume->framework = *record; break;
    case JOURNAL_LAUNCH:
        if (record->line < lines)
            resume->launches[record->line] = *record;
        break;
    case JOURNAL_DONE:
        if (record->line < lines && record->extra <= record->payload_size)
            resume->done[record->line] = *record;
        break;
    case JOURNAL_POSITION:
        if (record->line <= lines)
            resume->position = *record;
        break;
    }
}

/* --- outcomes: 16 bits of exit code, 8 of state, 8 of signal, two flags --- */

enum { STATE_SHIFT = 16, SIGNAL_SHIFT = 24, OWN_CODE_SHIFT = 32, GIVEN_UP_SHIFT = 33 };

uint64_t each_outcome_pack(const struct each_outcome *outcome) {
    return (uint64_t)(outcome->exit_code & 0xffff) |
           (uint64_t)((unsigned)outcome->end.state & 0xff) << STATE_SHIFT |
           (uint64_t)(outcome->end.signal & 0xff) << SIGNAL_SHIFT |
           (uint64_t)(outcome->end.exit_code >= 0) << OWN_CODE_SHIFT |
           (uint64_t)outcome->is_given_up << GIVEN_UP_SHIFT;
}

static struct each_outcome unpack(uint64_t packed) {
    int exit_code = (int)(packed & 0xffff);
    bool is_own = packed >> OWN_CODE_SHIFT & 1;
    return (struct each_outcome){
        .exit_code = exit_code,
        .end = {.state = (Mesos__V1__TaskState)(packed >> STATE_SHIFT & 0xff),
                .exit_code = is_own ? exit_code : -1,
                .signal = (int)(packed >> SIGNAL_SHIFT & 0xff)},
        .is_given_up = packed >> GIVEN_UP_SHIFT & 1};
}

/* --- lines --- */

static void take_done(struct each *each, size_t index, const struct each_journal_record *record) {
    struct each_line *line = &each->lines[index];
    struct each_outcome *outcome = NEW(struct each_outcome);
    int fd = each_journal_fd(each->journal);
    *outcome = unpack(record->value);
    spooled_set(&outcome->output, &each->spool, fd,
                (struct spool_piece){record->payload_offset, record->extra});
    spooled_set(&outcome->errors, &each->spool, fd,
                (struct spool_piece){record->payload_offset + record->extra,
                                     record->payload_size - record->extra});
    line->outcome = outcome;
    line->state = LINE_DONE;
    each->done_count++;
    each->failed_count += outcome->exit_code != CLI_OK;
    each->cluster_failures += outcome->is_given_up;
}

static bool take_launch(struct each *each, size_t index, const struct each_journal_record *record,
                        struct error *error) {
    AUTO_FINI(buf_fini) struct buf agent_id = {0};
    struct each_line *line = &each->lines[index];
    if (line->state == LINE_DONE)
        return true;
    if (each->framework_id[0] == '\0') {
        VEC_PUSH(&each->again, index);
        return true;
    }
    if (!each_journal_read(each->journal, record, &agent_id, error))
        return false;
    each_add_task(each, index, buf_string(&agent_id));
    return true;
}

static bool take_lines(struct resume *resume, struct error *error) {
    struct each *each = resume->each;
    for (size_t i = 0; i < each->input.lines.count; i++) {
        if (resume->launches[i].kind != JOURNAL_LAUNCH && resume->done[i].kind != JOURNAL_DONE)
            continue;
        each->lines[i].attempt = (uint32_t)resume->launches[i].value;
        if (each->lines[i].attempt == 0)
            each->lines[i].attempt = 1;
        if (resume->done[i].kind == JOURNAL_DONE)
            take_done(each, i, &resume->done[i]);
        else if (!take_launch(each, i, &resume->launches[i], error))
            return false;
    }
    while (each->next_fresh < each->input.lines.count && each->lines[each->next_fresh].attempt > 0)
        each->next_fresh++;
    return true;
}

/* --- where printing stopped --- */

/* Before the lines are taken: ids of tasks begin with the prefix. */
static bool read_start(struct resume *resume, struct error *error) {
    AUTO_FINI(buf_fini) struct buf payload = {0};
    struct stdout_name *out = &resume->name;
    if (resume->start.kind != JOURNAL_START)
        return true;
    if (!each_journal_read(resume->each->journal, &resume->start, &payload, error))
        return false;
    struct text rest = buf_text(&payload), prefix, device, inode;
    bool ok = text_split(&rest, ' ', &prefix) && text_split(&rest, ' ', &device) &&
              text_split(&rest, ' ', &inode) && text_to_u64(device, &out->device) &&
              text_to_u64(inode, &out->inode) && prefix.size < sizeof(out->prefix) &&
              rest.size < sizeof(out->path);
    if (!ok)
        return fail(error, ERROR_INVALID, "the journal makes no sense");
    snprintf(out->prefix, sizeof(out->prefix), "%.*s", TEXT_ARGS(prefix));
    snprintf(out->path, sizeof(out->path), "%.*s", TEXT_ARGS(rest));
    snprintf(resume->each->prefix, sizeof(resume->each->prefix), "%s", out->prefix);
    return true;
}

static bool is_it(const struct stat *info, const struct stdout_name *name) {
    return S_ISREG(info->st_mode) && info->st_dev == name->device && info->st_ino == name->inode;
}

/* The size of the stdout of before; false when it is not to be found. */
static bool find_size(const struct stdout_name *name, uint64_t *out) {
    struct stat info;
    bool found = (fstat(STDOUT_FILENO, &info) == 0 && is_it(&info, name)) ||
                 (stat(name->path, &info) == 0 && is_it(&info, name));
    if (found)
        *out = (uint64_t)info.st_size;
    return found;
}

/* What is printed of a line that is done. */
static bool printed_size(struct each *each, size_t line, uint64_t *out, struct error *error) {
    *out = each->lines[line].outcome->output.size;
    if (!each->common.json)
        return true;
    if (!each_make_json(each, line, error))
        return false;
    *out = each->json.size;
    buf_clear(&each->json);
    return true;
}

/* So many bytes of output after that line and offset are printed. */
static bool walk(struct each *each, uint64_t bytes, struct error *error) {
    while (each->print_line < each->input.lines.count) {
        uint64_t size;
        if (each->lines[each->print_line].outcome == NULL)
            return true;
        if (!printed_size(each, each->print_line, &size, error))
            return false;
        uint64_t left = size - each->print_offset;
        if (bytes < left || (bytes == 0 && left > 0)) {
            each->print_offset += bytes;
            return true;
        }
        bytes -= left;
        if (bytes == 0 && left == 0)
            return true; /* nothing tells whether its stderr was printed: it is again */
        each->print_line++;
        each->print_offset = 0;
    }
    return true;
}

static bool find_position(struct resume *resume, struct error *error) {
    struct each *each = resume->each;
    uint64_t size;
    if (resume->start.kind != JOURNAL_START)
        return true;
    bool was_file = resume->start.extra != no_file;
    const struct each_journal_record *from = was_file ? &resume->start : &resume->position;
    each->print_line =
        from->line < each->input.lines.count ? (size_t)from->line : each->input.lines.count;
    each->print_offset = from->value;
    if (!was_file)
        return true;
    if (!find_size(&resume->name, &size))
        return fail(
            error, ERROR_NOT_FOUND,
            "%s, where the run before printed to, is gone: how much it printed is not known; "
            "to have everything printed again give that file as stdout, empty, or remove %s "
            "and begin anew",
            resume->name.path, each->resume_path);
    return walk(each, size > resume->start.extra ? size - resume->start.extra : 0, error);
}

static void forget_printed(struct each *each) {
    for (size_t i = 0; i < each->print_line; i++) {
        each_outcome_free(each, each->lines[i].outcome);
        each->lines[i].outcome = NULL;
    }
    /* Half printed: what it said on stderr was said before. */
    each->is_told_line = each->print_offset > 0;
}

/* --- this process --- */

static bool note_start(struct each *each, struct error *error) {
    AUTO_FINI(buf_fini) struct buf payload = {0};
    struct stat info;
    char path[PATH_MAX] = "";
    if (fstat(STDOUT_FILENO, &info) != 0)
        return fail(error, ERROR_INVALID, "stdout: %m");
    struct each_journal_record record = {.kind = JOURNAL_START,
                                         .line = each->print_line,
                                         .value = each->print_offset,
                                         .extra = no_file};
    if (S_ISREG(info.st_mode)) {
        bool appends = fcntl(STDOUT_FILENO, F_GETFL) & O_APPEND;
        off_t at = appends ? info.st_size : lseek(STDOUT_FILENO, 0, SEEK_CUR);
        record.extra = at > 0 ? (uint64_t)at : 0;
        ssize_t size = readlink("/proc/self/fd/1", path, sizeof(path) - 1);
        path[size > 0 ? size : 0] = '\0';
    }
    buf_printf(&payload, "%s %llu %llu %s", each->prefix, (unsigned long long)info.st_dev,
               (unsigned long long)info.st_ino, path);
    return each_journal_append(each->journal, &record, buf_text(&payload), error) &&
           each_journal_sync(each->journal, error);
}

static bool read_framework(struct resume *resume, struct error *error) {
    struct each *each = resume->each;
    AUTO_FINI(buf_fini) struct buf id = {0};
    if (resume->framework.kind != JOURNAL_FRAMEWORK)
        return true;
    if (!each_journal_read(each->journal, &resume->framework, &id, error))
        return false;
    snprintf(each->framework_id, sizeof(each->framework_id), "%s", buf_string(&id));
    return true;
}

bool each_resume(struct each *each, struct error *error) {
    AUTO_FINI(buf_fini) struct buf what = {0};
    size_t count = each->input.lines.count;
    struct resume resume = {.each = each};
    input_print_what(&each->input, each->arguments.words.items, each->arguments.words.count, &what);
    if (each->common.json)
        buf_append_string(&what, "printed as JSON\n");
    resume.launches = NEW_ARRAY(struct each_journal_record, count + 1);
    resume.done = NEW_ARRAY(struct each_journal_record, count + 1);
    each->journal = each_journal_open(each->resume_path, buf_text(&what), visit, &resume, error);
    bool ok = each->journal != NULL && read_framework(&resume, error) &&
              read_start(&resume, error) && take_lines(&resume, error) &&
              find_position(&resume, error) && note_start(each, error);
    if (ok)
        forget_printed(each);
    mem_free(resume.launches);
    mem_free(resume.done);
    return ok;
}
