#include "app/public/face.h"

void face_check(struct face_view *v)
{
    v->reply->status = 501;
}
void face_check_json(struct face_view *v)
{
    v->reply->status = 501;
}
