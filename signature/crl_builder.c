#include "signature/crl_builder.h"

#include <stdlib.h>

#include "signature/crl_index_writer.h"
#include "signature/crl_sorter.h"

struct crl_builder {
    struct crl_stream *stream;
    struct crl_index_writer *writer;
    struct crl_sorter *sorter;
};

static bool entry_take(void *context, const struct crl_entry *entry, struct failure *f)
{
    struct crl_builder *builder = context;
    const struct crl_record record = crl_record_of(entry);
    return crl_sorter_add(builder->sorter, &record, f);
}

struct crl_builder *crl_builder_new(const struct trust *trust, int output, int scratch)
{
    struct crl_builder *builder = memory_allocate(sizeof *builder);
    builder->stream = crl_stream_new(trust, entry_take, builder);
    builder->writer = crl_index_writer_new(output);
    builder->sorter = crl_sorter_new(builder->writer, scratch);
    return builder;
}

void crl_builder_free(struct crl_builder *builder)
{
    if (!builder)
        return;
    crl_sorter_free(builder->sorter);
    crl_index_writer_free(builder->writer);
    crl_stream_free(builder->stream);
    free(builder);
}

bool crl_builder_feed(struct crl_builder *builder, struct bytes piece, struct failure *f)
{
    return crl_stream_feed(builder->stream, piece, f);
}

bool crl_builder_end(struct crl_builder *builder, struct crl_facts *ret_facts, struct failure *f)
{
    struct crl_facts facts;
    if (!crl_stream_end(builder->stream, &facts, f) || !crl_sorter_end(builder->sorter, f) ||
        !crl_index_writer_end(builder->writer, &facts, f))
        return false;
    *ret_facts = facts;
    return true;
}
