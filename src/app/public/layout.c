#include "app/public/face.h"
void face_begin(struct face_view *v, const char *title_key)
{
    (void)v;
    (void)title_key;
}
void face_end(struct face_view *v)
{
    (void)v;
}
void face_problem(struct face_view *v, unsigned status, const char *words_key)
{
    (void)words_key;
    v->reply->status = status;
}
void face_href(struct face_view *v, const char *path)
{
    buf_str(v->out, path);
}
void face_permalink(struct face_view *v, const char *path)
{
    buf_str(v->out, path);
}
