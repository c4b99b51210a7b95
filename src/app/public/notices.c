#include "app/public/face.h"

void face_notices(struct face_view *v)
{
    v->reply->status = 501;
}
void face_notice(struct face_view *v)
{
    v->reply->status = 501;
}
void face_notice_document(struct face_view *v)
{
    v->reply->status = 501;
}
