/* A connector in C: checksums by zlib. The messages are JSON-RPC, a line each; jansson reads them. */
#define _POSIX_C_SOURCE 200809L
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char *const TOOLS =
    "{\"tools\": [{\"name\": \"Checksum\","
    " \"description\": \"The checksum of a text in UTF-8, as zlib counts it.\","
    " \"inputSchema\": {\"type\": \"object\", \"required\": [\"text\"],"
    "  \"additionalProperties\": false, \"properties\": {"
    "   \"text\": {\"type\": \"string\", \"description\": \"What is summed.\"},"
    "   \"kind\": {\"type\": \"string\", \"enum\": [\"crc32\", \"adler32\"],"
    "    \"default\": \"crc32\", \"description\": \"How.\"}}},"
    " \"outputSchema\": {\"type\": \"object\", \"required\": [\"checksum\"],"
    "  \"properties\": {\"checksum\": {\"type\": \"integer\"}}},"
    " \"annotations\": {\"readOnlyHint\": true}}]}";

static const char *const GREETING =
    "{\"protocolVersion\": \"2025-11-25\", \"capabilities\": {\"tools\": {}},"
    " \"serverInfo\": {\"name\": \"checksums\", \"version\": \"1.0\"}}";

/* A result: what was found, also as text for clients that know no structured content. */
static json_t *result(json_t *found, int is_error)
{
    char *text = json_dumps(found, JSON_COMPACT);
    json_t *result = json_pack("{s:[{s:s, s:s}], s:o, s:b}", "content", "type", "text", "text",
                               text ? text : "", "structuredContent", found, "isError", is_error);
    free(text);
    return result;
}

/* A failure; the code is what a diagram catches. */
static json_t *failure(const char *code, const char *message)
{
    return result(json_pack("{s:s, s:s}", "error_code", code, "message", message), 1);
}

static json_t *checksum(json_t *arguments)
{
    json_t *text = json_object_get(arguments, "text");
    json_t *kind = json_object_get(arguments, "kind");
    const char *name = kind ? json_string_value(kind) : "crc32";
    if (!json_is_string(text))
        return failure("NoText", "'text' must be a text");
    const Bytef *bytes = (const Bytef *)json_string_value(text);
    uInt length = (uInt)json_string_length(text);
    uLong sum;
    if (name && strcmp(name, "crc32") == 0)
        sum = crc32(crc32(0, Z_NULL, 0), bytes, length);
    else if (name && strcmp(name, "adler32") == 0)
        sum = adler32(adler32(0, Z_NULL, 0), bytes, length);
    else
        return failure("UnknownKind", "'kind' must be crc32 or adler32");
    return result(json_pack("{s:I}", "checksum", (json_int_t)sum), 0);
}

/* The answer to a request, without its id. */
static json_t *answer(const char *method, json_t *params)
{
    if (strcmp(method, "initialize") == 0)
        return json_pack("{s:o}", "result", json_loads(GREETING, 0, NULL));
    if (strcmp(method, "ping") == 0)
        return json_pack("{s:{}}", "result");
    if (strcmp(method, "tools/list") == 0)
        return json_pack("{s:o}", "result", json_loads(TOOLS, 0, NULL));
    if (strcmp(method, "tools/call") == 0) {
        const char *tool = json_string_value(json_object_get(params, "name"));
        if (tool && strcmp(tool, "Checksum") == 0)
            return json_pack("{s:o}", "result", checksum(json_object_get(params, "arguments")));
        return json_pack("{s:{s:i, s:s}}", "error", "code", -32602, "message",
                         "there is no such tool");
    }
    return json_pack("{s:{s:i, s:s}}", "error", "code", -32601, "message",
                     "there is no such method");
}

/* A line that jansson does not take, such as one with half a surrogate pair in a text. Whoever sent
 * it waits for an answer: its id can be told all the same. */
static void unreadable(const char *line, const char *why)
{
    const char *at = strstr(line, "\"id\":");
    long long id;
    fprintf(stderr, "what came cannot be read: %s\n", why);
    if (at && sscanf(at + 5, "%lld", &id) == 1) {
        printf("{\"jsonrpc\":\"2.0\",\"id\":%lld,\"error\":{\"code\":-32700,"
               "\"message\":\"the message cannot be read as JSON\"}}\n", id);
        fflush(stdout);
    }
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while ((length = getline(&line, &size, stdin)) > 0) {
        json_error_t wrong;
        /* Texts may hold a zero character. */
        json_t *message = json_loadb(line, (size_t)length, JSON_ALLOW_NUL, &wrong);
        json_t *id = json_object_get(message, "id");
        const char *method = json_string_value(json_object_get(message, "method"));
        if (!message)
            unreadable(line, wrong.text);
        if (id && method) { /* What has no id wants no answer. */
            json_t *said = answer(method, json_object_get(message, "params"));
            json_object_set_new(said, "jsonrpc", json_string("2.0"));
            json_object_set(said, "id", id);
            json_dumpf(said, stdout, JSON_COMPACT);
            putchar('\n');
            fflush(stdout);
            json_decref(said);
        }
        json_decref(message);
    }
    free(line);
    return 0;
}
