/* A consumer of the pull API in a few pages, to copy from (docs/integrators.md). libcurl, jansson
 * and OpenSSL:  cc -o pull_client pull_client.c -lcurl -ljansson -lcrypto
 *
 *   pull_client URL CA CERTIFICATE KEY CLIENT-ID SECRET-FILE FOLDER
 *
 * Takes what waits until nothing does: claims items, stores each durably in FOLDER, then sends
 * receipts. Run it again after any trouble: what is stored already is recognised by its id. */
#include <curl/curl.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *url, *client_id, *folder;
static char secret[1024], bearer[512];
static time_t bearer_until;
static CURL *curl;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "pull_client: %s: %s\n", what, why);
    exit(1);
}

/* --- HTTP ----------------------------------------------------------------------------------------
 */

struct text {
    char *data;
    size_t length;
};

static size_t collect(char *data, size_t one, size_t count, void *context)
{
    struct text *text = context;
    char *more = realloc(text->data, text->length + one * count + 1);
    if (!more)
        return 0;
    memcpy(more + text->length, data, one * count);
    text->data = more;
    text->length += one * count;
    more[text->length] = '\0';
    return one * count;
}

/* The answer as JSON; anything but 200 is an error, whose body has the request_id. */
static json_t *post(const char *path, const char *type, const char *body, const char *authorization)
{
    char address[512];
    long status = 0;
    struct text text = {0};
    struct curl_slist *headers = curl_slist_append(NULL, type);
    if (authorization)
        headers = curl_slist_append(headers, authorization);
    snprintf(address, sizeof address, "%s%s", url, path);
    curl_easy_setopt(curl, CURLOPT_URL, address);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &text);
    CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        die(path, curl_easy_strerror(code));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    json_t *json = text.data ? json_loads(text.data, 0, NULL) : NULL;
    if (status != 200 || !json)
        die(path, text.data ? text.data : "no answer");
    free(text.data);
    return json;
}

/* --- the token -----------------------------------------------------------------------------------
 */

static void add_base64url(char *to, const void *data, size_t length)
{
    char *at = to + strlen(to);
    EVP_EncodeBlock((unsigned char *)at, data, (int)length);
    at[strcspn(at, "=")] = '\0';
    for (; *at; at++)
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
}

/* A JWT that says who we are, signed by our secret (client_secret_jwt, HS256). */
static void sign_assertion(char assertion[4096])
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    unsigned char random[16], mac[32];
    char jti[33] = "", claims[1024];
    long now = (long)time(NULL);
    if (RAND_bytes(random, sizeof random) != 1)
        die("jti", "no random bytes");
    for (int i = 0; i < 16; i++)
        snprintf(jti + 2 * i, 3, "%02x", random[i]);
    int length = snprintf(claims, sizeof claims,
                          "{\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s/routing/v1/token\","
                          "\"jti\":\"%s\",\"iat\":%ld,\"exp\":%ld}",
                          client_id, client_id, url, jti, now, now + 60);
    if (length < 0 || length >= (int)sizeof claims)
        die("claims", "the address or the client id is too long");
    assertion[0] = '\0';
    add_base64url(assertion, header, sizeof header - 1);
    strcat(assertion, ".");
    add_base64url(assertion, claims, (size_t)length);
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (unsigned char *)assertion, strlen(assertion),
         mac, NULL);
    strcat(assertion, ".");
    add_base64url(assertion, mac, sizeof mac);
}

/* "Authorization: Bearer …", good for another half minute at least. */
static const char *authorization(void)
{
    char assertion[4096], form[5120];
    if (bearer_until > time(NULL))
        return bearer;
    sign_assertion(assertion);
    snprintf(form, sizeof form,
             "grant_type=client_credentials&client_assertion_type=urn%%3Aietf%%3Aparams%%3Aoauth"
             "%%3Aclient-assertion-type%%3Ajwt-bearer&client_assertion=%s",
             assertion);
    json_t *answer =
        post("/routing/v1/token", "Content-Type: application/x-www-form-urlencoded", form, NULL);
    snprintf(bearer, sizeof bearer, "Authorization: Bearer %s",
             json_string_value(json_object_get(answer, "access_token")));
    bearer_until = time(NULL) + json_integer_value(json_object_get(answer, "expires_in")) - 30;
    json_decref(answer);
    return bearer;
}

static json_t *api(const char *path, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    json_t *answer = post(path, "Content-Type: application/json", text, authorization());
    free(text);
    json_decref(body);
    return answer;
}

/* --- items ---------------------------------------------------------------------------------------
 */

/* On the disk, or not there at all: only then may the receipt go. */
static void store(const char *id, const char *item, size_t length)
{
    char new[1024], final[1024];
    snprintf(new, sizeof new, "%s/%s.new", folder, id);
    snprintf(final, sizeof final, "%s/%s.json", folder, id);
    if (access(final, F_OK) == 0) /* our last receipt did not arrive */
        return;
    int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, item, length) != (ssize_t)length || fsync(fd) != 0 || close(fd) != 0 ||
        rename(new, final) != 0)
        die(final, "can't be stored");
}

static json_t *take(const json_t *item, const char *claim)
{
    unsigned char hash[32];
    char text[65];
    const json_t *content = json_object_get(item, "item"); /* the exact bytes */
    const char *id = json_string_value(json_object_get(item, "id"));
    const char *sha256 = json_string_value(json_object_get(item, "sha256"));
    EVP_Digest(json_string_value(content), json_string_length(content), hash, NULL, EVP_sha256(),
               NULL);
    for (int i = 0; i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
    if (!id || !sha256 || strcmp(text, sha256) != 0)
        die("an item", "arrived damaged");
    store(id, json_string_value(content), json_string_length(content));
    /* Here your checks go; what can't be taken has "result": "rejected", and "problems". */
    return json_pack("{s:s, s:s, s:s, s:s}", "id", id, "sha256", sha256, "claim", claim, "result",
                     "accepted");
}

static size_t take_all(void)
{
    size_t i;
    json_t *item, *receipts = json_array();
    json_t *claimed =
        api("/routing/v1/claims", json_pack("{s:i, s:i}", "most", 100, "seconds", 300));
    const char *claim = json_string_value(json_object_get(claimed, "claim"));
    json_array_foreach (json_object_get(claimed, "items"), i, item)
        json_array_append_new(receipts, take(item, claim));
    size_t count = json_array_size(receipts);
    int directory = open(folder, O_RDONLY | O_DIRECTORY);
    if (directory < 0 || fsync(directory) != 0) /* the names, too */
        die(folder, "can't be stored");
    close(directory);
    json_decref(claimed);
    if (count == 0) {
        json_decref(receipts);
        return 0;
    }
    json_t *answer = api("/routing/v1/receipts", receipts);
    json_array_foreach (json_object_get(answer, "results"), i, item)
        printf("%s %s\n", json_string_value(json_object_get(item, "id")),
               json_string_value(json_object_get(item, "result")));
    json_decref(answer);
    return count;
}

int main(int argc, char **argv)
{
    if (argc != 8)
        die("usage", "URL CA CERTIFICATE KEY CLIENT-ID SECRET-FILE FOLDER");
    url = argv[1];
    client_id = argv[5];
    folder = argv[7];
    FILE *in = fopen(argv[6], "r");
    if (!in || !fgets(secret, sizeof secret, in))
        die(argv[6], "can't be read");
    fclose(in);
    secret[strcspn(secret, "\n")] = '\0';
    curl_global_init(CURL_GLOBAL_DEFAULT);
    curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_CAINFO, argv[2]);
    curl_easy_setopt(curl, CURLOPT_SSLCERT, argv[3]);
    curl_easy_setopt(curl, CURLOPT_SSLKEY, argv[4]);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 90L);
    while (take_all() > 0)
        ;
    curl_easy_cleanup(curl);
    return 0;
}
