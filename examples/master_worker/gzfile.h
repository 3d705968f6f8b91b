/* SPDX-License-Identifier: BSD-3-Clause */
/* One input file and the .gz file made of it. The output is one gzip member: header, the raw deflate
 * data of the blocks in order, an empty last block, CRC and length of the whole. One member rather
 * than one for each block, because then the trailer tells the true size (`gzip -l`) and readers that
 * look at the first member only see everything. */
#ifndef GZFILE_H
#define GZFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* So many may be open at one time; each takes two descriptors. */
enum { GZFILES_MAX = 64 };

struct gzfile {
    const char *in_name; /* "-": standard input */
    char *out_name;      /* NULL: standard output */
    int in, out;
    bool removable;               /* out_name is a file that we have made or emptied */
    uint64_t in_bytes, out_bytes; /* so far */
    uint32_t crc;
    double begin;
};

/* Opens both and writes the header. out_name NULL: in_name with ".gz" (of "-": standard output); "-":
 * standard output. force: replace an existing output. False: said why on stderr, nothing is left
 * behind. */
bool gzfile_open(struct gzfile *gz, const char *in_name, const char *out_name, int level,
                 bool force);
/* Reads the next n bytes (fewer at the end of the file). -1: said why. */
ssize_t gzfile_read(struct gzfile *gz, void *buf, size_t n);
/* Appends one compressed block of in_len original bytes. False: said why. */
bool gzfile_append(struct gzfile *gz, const void *data, size_t len, size_t in_len,
                   uint32_t crc);
/* Writes the trailer and closes. False: said why; the output is gone. */
bool gzfile_finish(struct gzfile *gz);
/* Closes and removes the output. */
void gzfile_abandon(struct gzfile *gz);
/* Removes the outputs that are not finished when a signal ends the program. */
void gzfile_clean_on_signal(void);

#endif
